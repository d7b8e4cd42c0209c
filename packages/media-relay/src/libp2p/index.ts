/** Streams of a media relay over the mesh. */
export { encodeMedia, MAX_MEDIA_MESSAGE_BYTES, MediaProtocolError, readMedia } from './media-message.ts'
export type { MediaFields } from './media-message.ts'
export { MediaSource } from './media-source.ts'
export type { MediaSourceInit } from './media-source.ts'
export { MediaRefusedError, watchMedia } from './media-watch.ts'
export type { MediaWatchInit, WatchChange } from './media-watch.ts'
