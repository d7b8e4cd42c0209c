/**
 * A program in a host behind a router: `mapping-node.ts PROTOCOL PORT` listens at a port, greets who comes, and has the router map the port by one
 * protocol. It prints what happens, and ends when it is told to end its input.
 */
import { createServer } from 'node:net'
import { PortMapping } from '@skein/reachability/node'
import type { MappingProtocol } from '@skein/reachability/port-mapping'

const [protocol = '', port = '0'] = process.argv.slice(2)

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const server = createServer(socket => {
  socket.on('error', () => {})
  socket.end('hello')
})
server.listen(Number(port), '0.0.0.0')
const mapping = new PortMapping({
  protocols: [protocol as MappingProtocol],
  onOpened: opened => { tell({ opened }) },
  onClosed: closed => { tell({ closed }) }
})
mapping.setPorts([Number(port)])
const watch = setInterval(() => { tell({ problem: mapping.problem, counters: mapping.counters }) }, 500)
process.stdin.on('data', () => {
  clearInterval(watch)
  void mapping.stop().then(() => {
    server.close()
    tell({ stopped: true })
    process.stdin.destroy()
  })
})
