/** One inference request and its stream of deltas. */
export type { Backend, BackendModel, BackendOptions, InferenceEvent, InferenceRequest, InferenceTask } from './backend.ts'
export { InferenceError } from './errors.ts'
export type { InferenceErrorCode, InferenceErrorInit } from './errors.ts'
export type { JsonObject, JsonValue } from './json.ts'
