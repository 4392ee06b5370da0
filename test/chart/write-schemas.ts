// Writes the schemas that kubeconform checks the chart against: of each kind one file, in which fields that do not exist are errors.
//
//   node test/chart/write-schemas.ts MODULES FOLDER
//
// MODULES: what `go mod download -json` says. Kinds of Kubernetes go to FOLDER/<its version>, those of operators to FOLDER/crds.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

interface Schema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Definition extends Schema {
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** In JSON Schema's words, and strict: what has properties has no others. */
const strict = (value: unknown, isProperties = false): unknown => {
  if (Array.isArray(value)) return value.map((item) => strict(item));
  if (!isObject(value)) return value;
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, strict(item, !isProperties && key === 'properties')]),
  );
  if (isProperties) return schema;
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true)
    return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  const open = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return isObject(schema.properties) && !open ? { ...schema, additionalProperties: false } : schema;
};

/** What a schema refers to, and what that refers to. */
const closureOf = (root: string, definitions: Readonly<Record<string, Definition>>): Record<string, unknown> => {
  const found: Record<string, unknown> = {};
  const visit = (name: string): void => {
    if (name in found) return;
    found[name] = strict(definitions[name]);
    for (const [, next = ''] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) visit(next);
  };
  visit(root);
  return found;
};

const write = (
  folder: string,
  { group, kind, version }: Record<'group' | 'kind' | 'version', string>,
  schema: object,
) => {
  mkdirSync(folder, { recursive: true });
  // kubeconform takes the version for the group where there is none.
  writeFileSync(join(folder, `${group || version}_${kind}_${version}.json`.toLowerCase()), JSON.stringify(schema));
};

const writeKubernetes = (folder: string, swagger: string): void => {
  const { definitions }: { definitions: Record<string, Definition> } = JSON.parse(readFileSync(swagger, 'utf8'));
  // A quantity may be written as a number; the API server takes both.
  definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'] = { anyOf: [{ type: 'number' }, { type: 'string' }] };
  for (const [name, definition] of Object.entries(definitions)) {
    const [named, ...more] = definition['x-kubernetes-group-version-kind'] ?? [];
    // What has several names is an option of calls, not an object.
    if (named === undefined || more.length > 0) continue;
    write(folder, named, { $ref: `#/definitions/${name}`, definitions: closureOf(name, definitions) });
  }
};

const writeCustom = (folder: string, file: string): void => {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const definition: CustomResourceDefinition | null = document.toJS();
    if (!definition) continue;
    const { group, names, versions } = definition.spec;
    for (const { name, schema } of versions) {
      const { properties, ...rest } = schema.openAPIV3Schema;
      const whole = {
        ...rest,
        properties: { ...properties, metadata: { type: 'object', additionalProperties: true } },
      };
      write(folder, { group, kind: names.kind, version: name }, strict(whole) as object);
    }
  }
};

/** Where the modules keep the definitions of their objects. */
const CUSTOM = ['config/crd/bases/*.yaml', 'config/crd/standard/*.yaml', 'example/prometheus-operator-crd/*.yaml'];

const [modules = '', folder = ''] = process.argv.slice(2);
for (const text of readFileSync(modules, 'utf8')
  .split(/(?<=^\})\n/m)
  .filter(Boolean)) {
  const { Dir, Version }: { Dir: string; Version: string } = parse(text);
  const swagger = join(Dir, 'api/openapi-spec/swagger.json');
  if (existsSync(swagger)) writeKubernetes(join(folder, Version), swagger);
  else for (const file of globSync(CUSTOM, { cwd: Dir })) writeCustom(join(folder, 'crds'), join(Dir, file));
}
