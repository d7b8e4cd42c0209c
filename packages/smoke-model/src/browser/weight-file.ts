/** Fetches the shipped weights from beside this package; bundlers see the URL and copy the file. */

export async function readWeightFile (): Promise<Uint8Array> {
  const response = await fetch(new URL('../../weights/skein-smoke-1.bin', import.meta.url))
  if (!response.ok) {
    throw new Error(`The weights could not be fetched: status ${response.status}`)
  }
  return new Uint8Array(await response.arrayBuffer())
}
