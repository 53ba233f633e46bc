/**
 * What a setting is. A table of settings is the one source of flags, variables, config keys, help and checks, so that
 * they cannot disagree.
 */
import { z } from 'zod';

export interface Setting {
  /** Shown in the help. */
  readonly describe: string;
  /** Checks and converts what was given; decides the default. Its error messages complete "--flag must be …". */
  readonly schema: z.ZodType;
  /** `string` settings reach the schema as text, so that an error can quote what was typed. */
  readonly type: 'string' | 'boolean';
  /** May be given more than once. The schema then accepts a list as well. */
  readonly repeatable?: true;
  /** Writes a checked value as it may be given again, where that is not the value itself. */
  format?(value: unknown): string | number;
  /** The default, as the help shows it. */
  readonly defaultText?: string;
  /** A path: a resumed run has it from the directory where it was started. */
  readonly isPath?: true;
  /** Decides what the run is: a resumed run keeps its own value. */
  readonly keptOnResume?: true;
}

/** Settings by their camelCase names. */
export type SettingsTable = Readonly<Record<string, Setting>>;

/** The checked values of a table's settings. */
export type Parsed<Table extends SettingsTable> = {
  readonly [Key in keyof Table]: z.output<Table[Key]['schema']>;
};

/** The table without these settings. */
export function without<Table extends SettingsTable, Key extends keyof Table>(
  table: Table,
  ...keys: readonly Key[]
): Omit<Table, Key> {
  const left: readonly unknown[] = keys;
  return Object.fromEntries(Object.entries(table).filter(([key]) => !left.includes(key))) as Omit<Table, Key>;
}

type Defaulted = Setting & { readonly schema: z.ZodDefault };
type Undefaulted<Base extends Defaulted> = ReturnType<Base['schema']['unwrap']>;

/** The setting with another default. */
export function withDefault<Base extends Defaulted>(
  setting: Base,
  value: z.output<Base['schema']>,
): Omit<Base, 'schema'> & { readonly schema: z.ZodDefault<Undefaulted<Base>> } {
  const schema = setting.schema.unwrap() as Undefaulted<Base>;
  return {
    ...setting,
    schema: z._default(schema, value as z.util.NoUndefined<z.output<Undefaulted<Base>>>),
    defaultText: String(value),
  };
}

/** The setting without its default: undefined where it is not given. */
export function withoutDefault<Base extends Defaulted>(
  setting: Base,
): Omit<Base, 'schema' | 'defaultText'> & { readonly schema: z.ZodOptional<Undefaulted<Base>> } {
  const { defaultText: _, schema, ...rest } = setting;
  return { ...rest, schema: z.optional(schema.unwrap() as Undefaulted<Base>) };
}
