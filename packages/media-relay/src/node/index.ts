/** A media relay on Node: its ports and its file. */
export { openJsonPort } from './json-port.ts'
export type { JsonPort, JsonPortInit } from './json-port.ts'
export { keyDigest, makeKey } from './key-text.ts'
export { MediaListenError } from './listen-error.ts'
export { RelayFile, RelayFileError } from './relay-file.ts'
export type { RelayFileProblem } from './relay-file.ts'
