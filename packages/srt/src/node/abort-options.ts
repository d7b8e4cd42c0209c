/** What calls take that wait. */

export interface AbortOptions {
  /** Ends the wait, with its reason */
  signal?: AbortSignal
}
