/** Which checks a peer makes of others, and lets others make of it. */

export interface CheckOptions {
  /**
   * Answers of deterministic models are compared now and then with those of another provider, after they were delivered. That one reads the request
   * too: a caller who does not want it says `{ checks: false }` in the call. `false`: no request is sent twice.
   *
   * @default {}
   */
  duplicates?: false | DuplicateOptions
  /**
   * Challenges of others are answered: a buffer is filled, in a thread of its own, at most six times an hour. `false`: none are, as in a browser.
   *
   * @default {}; false for a peer that is not on mains power
   */
  answer?: false | AnswerOptions
}

export interface DuplicateOptions {
  /**
   * Share of the comparable requests that is sent twice. Of providers that were compared fewer than nine times up to ten times as many, of suspects
   * half.
   *
   * @default 0.02
   */
  share?: number
  /**
   * Most tokens spent on it in an hour, prompts included; at first as many may be spent at once.
   *
   * @default 20_000
   */
  tokensPerHour?: number
}

export interface AnswerOptions {
  /**
   * Largest buffer filled for others, bytes.
   *
   * @default 256 MiB, less where that is an eighth of the memory or half of what is free
   */
  mostBytes?: number
  /** @default 6 */
  perHour?: number
  /**
   * … of them for peers that this one had no dealings with.
   *
   * @default 2
   */
  strangersPerHour?: number
}
