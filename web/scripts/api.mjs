// Writes src/api/generated.ts from the edge's OpenAPI document: a parser and a type for each schema.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The snapshot that the edge's tests keep. */
export const SNAPSHOT = new URL('../../edge/openapi.json', import.meta.url);
export const GENERATED = new URL('../src/api/generated.ts', import.meta.url);

/** The TypeScript for an OpenAPI document. */
export function generate(document) {
  const schemas = document.components.schemas;
  const refName = (ref) => ref.replace('#/components/schemas/', '');
  const resolve = (schema) => (schema.$ref ? resolve(schemas[refName(schema.$ref)]) : schema);

  /** The alternatives of a schema that is made of objects, each with its properties in one place. */
  function alternatives(schema) {
    const real = resolve(schema);
    if (real.oneOf) return real.oneOf.flatMap(alternatives);
    if (real.allOf) {
      return real.allOf.map(alternatives).reduce((left, right) =>
        left.flatMap((a) =>
          right.map((b) => ({
            properties: { ...a.properties, ...b.properties },
            required: [...(a.required ?? []), ...(b.required ?? [])],
          })),
        ),
      );
    }
    return [real];
  }

  /** The property that tells alternatives apart: the one that is a constant in each. */
  function discriminator(objects) {
    const constant = (object, name) => object.properties?.[name]?.enum?.length === 1;
    return Object.keys(objects[0].properties ?? {}).find((name) =>
      objects.every((object) => constant(object, name)),
    );
  }

  function object(schema, indent) {
    const required = new Set(schema.required ?? []);
    const inner = `${indent}  `;
    const lines = Object.entries(schema.properties ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, property]) => {
        const parser = parserOf(property, inner);
        return `${inner}${name}: ${required.has(name) ? parser : `v.nullish(${withoutNull(property, inner)})`},`;
      });
    return `v.object({\n${lines.join('\n')}\n${indent}})`;
  }

  function withoutNull(schema, indent) {
    if (Array.isArray(schema.type)) {
      const [type] = schema.type.filter((name) => name !== 'null');
      return parserOf({ ...schema, type }, indent);
    }
    if (schema.oneOf?.some((part) => part.type === 'null')) {
      const [part] = schema.oneOf.filter((one) => one.type !== 'null');
      return parserOf(part, indent);
    }
    return parserOf(schema, indent);
  }

  function union(objects, indent) {
    const inner = `${indent}  `;
    const parts = objects.map((part) => `${inner}${object(part, inner)},`).join('\n');
    const key = discriminator(objects);
    const call = key ? `v.variant('${key}', [` : 'v.union([';
    return `${call}\n${parts}\n${indent}])`;
  }

  function parserOf(schema, indent) {
    if (schema.$ref) return refName(schema.$ref);
    if (schema.oneOf?.some((part) => part.type === 'null') || Array.isArray(schema.type)) {
      return `v.nullable(${withoutNull(schema, indent)})`;
    }
    if (schema.oneOf || schema.allOf) {
      const objects = alternatives(schema);
      if (schema.oneOf && !discriminator(objects) && schema.oneOf.every((part) => part.$ref)) {
        return `v.union([${schema.oneOf.map((part) => refName(part.$ref)).join(', ')}])`;
      }
      return objects.length === 1 ? object(objects[0], indent) : union(objects, indent);
    }
    if (schema.enum) {
      return schema.enum.length === 1
        ? `v.literal('${schema.enum[0]}')`
        : `v.picklist([${schema.enum.map((name) => `'${name}'`).join(', ')}])`;
    }
    switch (schema.type) {
      case 'string':
        return 'v.string()';
      case 'integer':
      case 'number':
        return 'v.number()';
      case 'boolean':
        return 'v.boolean()';
      case 'array':
        return `v.array(${parserOf(schema.items, indent)})`;
      case 'object':
        return schema.additionalProperties && !schema.properties
          ? `v.record(v.string(), ${parserOf(schema.additionalProperties, indent)})`
          : object(schema, indent);
      default:
        return 'v.unknown()';
    }
  }

  /** The names that a schema needs to stand before it. Merged alternatives need only leaves. */
  function needs(parser) {
    return Object.keys(schemas).filter((name) => new RegExp(`\\b${name}\\b`).test(parser));
  }

  const parsers = new Map(Object.entries(schemas).map(([name, schema]) => [name, parserOf(schema, '')]));
  const written = new Set();
  const parts = [];
  function write(name) {
    if (written.has(name)) return;
    written.add(name);
    const parser = parsers.get(name);
    for (const other of needs(parser)) if (other !== name) write(other);
    const doc = (schemas[name].description ?? '').split('\n').join('\n * ');
    const comment = doc ? `/** ${doc} */\n` : '';
    parts.push(
      `${comment}export const ${name} = ${parser};\nexport type ${name} = v.InferOutput<typeof ${name}>;\n`,
    );
  }
  for (const name of [...parsers.keys()].sort()) write(name);
  return [
    "// Written by `npm run types` from the edge's OpenAPI document. Not to be edited.",
    "import * as v from 'valibot';",
    '',
    parts.join('\n'),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const source = process.argv[2] ?? SNAPSHOT;
  writeFileSync(GENERATED, generate(JSON.parse(readFileSync(source, 'utf8'))));
}
