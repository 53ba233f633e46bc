import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'deploy/compose');
const text = readFileSync(join(folder, 'compose.yaml'), 'utf8');

interface Service {
  readonly image: string;
  readonly volumes?: readonly string[];
}
const compose = parse(text) as { services: Record<string, Service>; volumes: Record<string, unknown> };

/** Strict would refuse the schema's own annotations. */
const ajv = new Ajv.default({ strict: false, allErrors: true });
addFormats.default(ajv);
const { $schema: _, ...schema } = JSON.parse(
  readFileSync(join(root, 'tests/support/schemas/compose-spec.json'), 'utf8'),
);
const validate = ajv.compile(schema);

describe('deploy/compose/compose.yaml', () => {
  it('is valid by the schema of the Compose Specification, which does find what is wrong', () => {
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...compose, services: { ...compose.services, grafana: { imgae: 'grafana' } } })).toBe(false);
    expect(validate({ ...compose, services: { prometheus: { image: 'p', ports: '9090' } } })).toBe(false);
  });

  it('names a version of every image', () => {
    for (const { image } of Object.values(compose.services)) expect(image).toMatch(/^[\w/]+:v?\d+\.\d+\.\d+$/);
  });

  it('mounts what is there', () => {
    const sources = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    );
    expect(sources).toContain('../grafana/json');
    for (const source of sources) {
      if (source.startsWith('.')) expect(existsSync(join(folder, source)), source).toBe(true);
      else expect(compose.volumes).toHaveProperty(source);
    }
  });

  it('gives Grafana the data source and the dashboards where it mounts them', () => {
    const provisioning = join(root, 'deploy/grafana/provisioning');
    const sources = parse(readFileSync(join(provisioning, 'datasources/prometheus.yml'), 'utf8'));
    const url = new URL(sources.datasources[0].url);
    expect(Object.keys(compose.services)).toContain(url.hostname);
    const providers = parse(readFileSync(join(provisioning, 'dashboards/pennygrad.yml'), 'utf8'));
    expect(compose.services.grafana?.volumes).toContain(`../grafana/json:${providers.providers[0].options.path}:ro`);
  });

  it('says the two commands that a user types', () => {
    const commands = text.match(/^# {3}\S.*$/gm)?.map((line) => line.slice(4));
    expect(commands).toEqual([
      'docker compose -f deploy/compose/compose.yaml up -d',
      'npx pennygrad train --price 0.35 --metrics-host 0.0.0.0',
    ]);
  });
});
