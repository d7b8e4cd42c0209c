/** CRC-32 (ISO-HDLC, as in zip and PNG: polynomial 0xEDB88320 reflected). Finds damage, not malice. */

const TABLE = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) {
    value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  }
  TABLE[byte] = value
}

/** 0 to 2^32 − 1. Pass the result for a first part as `start` to go on with a second. */
export function crc32 (bytes: Uint8Array, start = 0): number {
  let crc = ~start
  for (const byte of bytes) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number)
  }
  return ~crc >>> 0
}
