/** Bytes as a map key: one character a byte, exact, and cheaper than any encoding or hash. */
export function byteKey (bytes: Uint8Array): string {
  if (bytes.length <= 4096) {
    return String.fromCharCode.apply(null, bytes as unknown as number[])
  }
  // more arguments than some engines take at once
  let text = ''
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[])
  }
  return text
}
