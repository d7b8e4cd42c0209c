/** The bounds of /skein/inference/1.0.0. A reader enforces them, a writer keeps them. */

/** Largest REQUEST unless a server says otherwise: images travel in chat bodies. */
export const DEFAULT_MAX_REQUEST_BYTES = 4 * 1024 * 1024
/** Largest of all other frames. */
export const MAX_FRAME_BYTES = 256 * 1024
/** Most UTF-8 bytes of text in a DELTA; a longer text goes out as several. */
export const MAX_TEXT_BYTES = 64 * 1024
/** Deepest nesting of a request body. Deeper than other JSON, since each level of a tool's schema costs two or three. */
export const DEFAULT_MAX_BODY_DEPTH = 32
/** Deepest nesting of the JSON in HEAD, DELTA, TOOL and USAGE. */
export const MAX_JSON_DEPTH = 16
export const MAX_MODEL_CHARS = 128
/** Longest message of an ERROR; the rest is cut off. */
export const MAX_MESSAGE_CHARS = 512
export const NONCE_BYTES = 16
export const HASH_BYTES = 32
/** Bytes of frames under way or unread between server and caller, when the caller does not say. */
export const DEFAULT_WINDOW_BYTES = 1024 * 1024
export const MAX_WINDOW_BYTES = 4 * 1024 * 1024
/** Most frames of unknown kinds on one stream before it counts as corrupt. */
export const MAX_UNKNOWN_FRAMES = 1024
/** Longest wait that a BUSY may ask for. */
export const MAX_RETRY_AFTER_MS = 60 * 60 * 1000
