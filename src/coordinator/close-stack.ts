/** Services are closed in the reverse of the order in which they were opened, however the work between ends. */

export interface Closable {
  close(): void | Promise<void>;
}

export interface CloseStack {
  /** Closes the service with the stack. @returns the service */
  use<Service extends Closable>(service: Service): Service;
  /** Closes everything, the last opened first, even where one of them fails. May be called twice. */
  close(): Promise<void>;
}

export function createCloseStack(): CloseStack {
  const services: Closable[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of services.reverse()) {
      try {
        await service.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    use(service) {
      if (closing !== undefined) throw new Error('a service was opened after the others were closed');
      services.push(service);
      return service;
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

/**
 * Closes what `work` opened, when it is done or has failed.
 * @throws what `work` throws; what a service throws as it closes only if `work` went well
 */
export async function withCloseStack<Result>(work: (services: CloseStack) => Promise<Result>): Promise<Result> {
  const services = createCloseStack();
  let result: Result;
  try {
    result = await work(services);
  } catch (error) {
    await services.close().catch(() => {});
    throw error;
  }
  await services.close();
  return result;
}
