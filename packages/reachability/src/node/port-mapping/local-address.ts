/** From which of its addresses this device reaches another. */
import { createSocket } from 'node:dgram'

/** A socket that is connected has the address of the interface that leads there; nothing is sent for that. `undefined` where nothing leads there. */
export async function localAddressTo (host: string): Promise<string | undefined> {
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(9, host, resolve)
    })
    return socket.address().address
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}
