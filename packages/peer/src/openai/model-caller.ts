/** What the OpenAI face needs of a peer: to call a model, and to know which models there are. */
import type { InferenceEvent, InferenceRequest } from '@skein/inference'

export interface CallOptions {
  /** Cancels the request on the far side too */
  signal?: AbortSignal
}

/** Which way an answer comes. */
export interface CallRoute {
  /** The peer that answers, as text */
  peer: string
  /** How this peer is connected to it: `local`, `direct`, `punched`, `relayed`, … */
  path: string
  /** Peers tried for this answer, this one included; at least 1 */
  attempts: number
}

/** One request under way. Iterate it once; an iteration that throws (an `InferenceError`) has failed, whatever it gave before. */
export interface ModelCall extends AsyncIterable<InferenceEvent> {
  /** Resolved once the first event is in; rejects when there will be none */
  readonly route: Promise<CallRoute>
}

/** A model that can be called now, summed up over all who offer it. */
export interface ModelListing {
  id: string
  tasks: string[]
  /** Peers known to serve it, this one included */
  providers: number
  /** The longest context any of them serves, tokens; 0 when unknown */
  contextTokens: number
  /** Regions it is served in, sorted; empty when unknown */
  regions: string[]
  /** All providers give the same bytes for the same request @default false */
  deterministic?: boolean
}

export interface ModelCaller {
  /** Throws, or lets the iteration throw, an `InferenceError` */
  call (request: InferenceRequest, options?: CallOptions): ModelCall
  /** The models known now: served here or seen in offers */
  models (options?: { signal?: AbortSignal }): Promise<ModelListing[]>
}
