/** Streams of a media relay over the mesh. */
export { encodeMedia, MAX_MEDIA_MESSAGE_BYTES, MediaProtocolError, readMedia } from './media-message.ts'
export type { MediaFields } from './media-message.ts'
export { MediaSource } from './media-source.ts'
export type { MediaIngest, MediaSourceInit } from './media-source.ts'
export { MediaRefusedError, NoMediaRelayError, watchMedia } from './media-watch.ts'
export type { IngestPorts, MediaWatchInit, WatchChange } from './media-watch.ts'
