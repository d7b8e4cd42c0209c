/** A TCP proxy that stops forwarding without a word, as a machine does that lost its power: no FIN, no RST, and nothing comes through any more. */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

export class FrozenLink {
  readonly port: number
  private readonly server: Server
  private readonly target: { host: string, port: number }
  private readonly sockets = new Set<Socket>()
  private frozen = false

  private constructor (server: Server, target: { host: string, port: number }) {
    this.server = server
    this.target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', socket => { this.join(socket) })
  }

  /** Listens on a free port of `host`; where it leads to is set later. */
  static async open (host: string, target: { host: string, port: number }): Promise<FrozenLink> {
    const server = createServer()
    await new Promise<void>(resolve => { server.listen(0, host, resolve) })
    return new FrozenLink(server, target)
  }

  freeze (): void {
    this.frozen = true
    this.sockets.forEach(socket => { socket.removeAllListeners('data').pause() })
  }

  async close (): Promise<void> {
    this.sockets.forEach(socket => { socket.destroy() })
    await new Promise<void>(resolve => { this.server.close(() => { resolve() }) })
  }

  private join (near: Socket): void {
    this.keep(near)
    if (this.frozen) {
      near.pause() // a real one would not even answer; who dials sees silence either way
      return
    }
    const far = connect({ ...this.target, localAddress: near.remoteAddress })
    this.keep(far)
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.on('data', data => {
        if (!to.write(data)) {
          from.pause()
          to.once('drain', () => { if (!this.frozen) { from.resume() } })
        }
      })
      from.on('end', () => { if (!this.frozen) { to.end() } })
      from.on('close', () => { if (!this.frozen) { to.destroy() } })
    }
  }

  private keep (socket: Socket): void {
    socket.setNoDelay()
    this.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => { this.sockets.delete(socket) })
  }
}
