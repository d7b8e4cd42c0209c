/** A UDP port that nobody reads: the process stops itself. The system drops what comes, so that no third process needs a core. */
import { createSocket } from 'node:dgram'

const socket = createSocket('udp4')
socket.bind(0, '127.0.0.1', () => {
  process.send?.({ port: socket.address().port }, () => { process.kill(process.pid, 'SIGSTOP') })
})
