/** One forwarder in a process of its own: a bare one on dgram, or our receiver. Tells its CPU time and its count when it is asked. */
import { createSocket } from 'node:dgram'
import { ReceiverService } from '../../src/node/index.ts'

export interface ForwarderReport {
  packets: number
  cpuMicroseconds: number
}

const [kind = 'bare', target = '0'] = process.argv.slice(2)
let count = (): number => 0
let port = 0

if (kind === 'bare') {
  let packets = 0
  const upstream = createSocket('udp4')
  await new Promise<void>(resolve => { upstream.connect(Number(target), '127.0.0.1', resolve) })
  upstream.setSendBufferSize(4 << 20)
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  socket.on('message', bytes => {
    packets++
    upstream.send(bytes)
  })
  await new Promise<void>(resolve => { socket.bind(0, '127.0.0.1', resolve) })
  port = socket.address().port
  count = () => packets
} else {
  const service = await ReceiverService.start({
    port: 0,
    hosts: ['127.0.0.1'],
    srt: { host: '127.0.0.1', port: Number(target) },
    receiver: { maxPacketsPerSecond: 10_000_000 }
  })
  port = service.port
  count = () => [...service.receiver.groups].reduce((sum, { totalPackets }) => sum + totalPackets, 0)
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ packets: count(), cpuMicroseconds: user + system } satisfies ForwarderReport)
})
process.on('disconnect', () => { process.exit() })
process.send?.({ port })
