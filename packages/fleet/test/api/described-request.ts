/** Requests made up from an OpenAPI document: right ones, and such as have one thing wrong. */
import fc from 'fast-check'

export interface JsonSchema {
  type?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
}

export interface Operation {
  method: string
  path: string
  parameters: Array<{ name: string, schema: JsonSchema }>
  body?: JsonSchema
}

export interface DescribedRequest {
  method: string
  path: string
  body: unknown
}

interface OpenApiDocument {
  paths: Record<string, Record<string, {
    parameters?: Array<{ in: string, name: string, schema: JsonSchema }>
    requestBody?: { content: { 'application/json': { schema: JsonSchema } } }
  }>>
}

export function operationsOf (document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    parameters: (operation.parameters ?? []).filter(parameter => parameter.in === 'path'),
    body: operation.requestBody?.content['application/json'].schema
  })))
}

export function requestsOf ({ method, path, parameters, body }: Operation): fc.Arbitrary<DescribedRequest> {
  const paths = fc.record(Object.fromEntries(parameters.map(({ name, schema }) => [name, fc.oneof(valuesOf(schema), fc.string({ minLength: 1, maxLength: 80 }))])))
  const bodies = body === undefined ? fc.constant(undefined) : fc.oneof(valuesOf(body), valuesOf(body).chain(spoiled), fc.jsonValue({ maxDepth: 3 }))
  return fc.tuple(paths, bodies).map(([values, body]) => ({
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])).replace(/^\.{1,2}$/, 'dot')),
    body
  }))
}

function valuesOf (schema: JsonSchema, name = ''): fc.Arbitrary<unknown> {
  if (name === 'manageUrl') {
    return fc.constant('http://127.0.0.1:1') // nobody is to be called for a test
  }
  if (schema.const !== undefined) {
    return fc.constant(schema.const)
  }
  if (schema.enum !== undefined) {
    return fc.constantFrom(...schema.enum)
  }
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map(option => valuesOf(option)))
  }
  switch (schema.type) {
    case 'object': {
      const fields = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, value]) => [key, valuesOf(value, key)]))
      return fc.record(fields, { requiredKeys: schema.required ?? [] })
    }
    case 'array':
      return fc.uniqueArray(valuesOf(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: Math.min(5, schema.maxItems ?? 5) })
    case 'integer':
      return fc.integer({ min: Math.max(schema.minimum ?? 0, -(2 ** 31)), max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) })
    case 'boolean':
      return fc.boolean()
    case 'string':
      return schema.pattern === undefined
        ? fc.string({ minLength: schema.minLength ?? 0, maxLength: schema.maxLength ?? 40 })
        : fc.stringMatching(new RegExp(schema.pattern))
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

/** With one field gone, of another kind, or too many. */
function spoiled (value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) {
    return fc.jsonValue({ maxDepth: 1 })
  }
  const keys = Object.keys(value)
  return fc.tuple(fc.constantFrom(...keys, 'unheard-of', '__proto__', 'constructor'), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))
    .map(([key, other]) => ({ ...value, [key]: other }))
}
