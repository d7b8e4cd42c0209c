/** The OpenAI face of a peer: a `fetch` that answers OpenAI's HTTP API from the mesh. */
export { openAIFailure, RequestError } from './failure.ts'
export type { OpenAIFailure, RequestErrorInit } from './failure.ts'
export { failureEvent } from './chunk-writer.ts'
export type { CallOptions, CallRoute, ModelCall, ModelCaller, ModelListing } from './model-caller.ts'
export { openAIFetch } from './openai-fetch.ts'
export type { OpenAIFetch, OpenAIFetchInit, OpenAIRequestInit } from './openai-fetch.ts'
