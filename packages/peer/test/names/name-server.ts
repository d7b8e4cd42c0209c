/** A DNS server on loopback that a test writes the records of: over UDP, and over HTTP as RFC 8484 has it. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { AUTHORITATIVE_ANSWER, decode, encode } from '@dnsquery/dns-packet'
import type { AddressInfo } from 'node:net'
import type { Answer, Packet } from '@dnsquery/dns-packet'

export interface SrvTarget { target: string, port: number, priority?: number, weight?: number }

export class NameServer {
  /** `192.0.2.1:53`-like, for `dns.servers` in Node */
  readonly address: string
  /** For `dns.servers` in a browser */
  readonly url: string
  /** What was asked for, in order: `TXT _dnsaddr.seeds.test` */
  readonly questions: string[] = []
  ttl = 300
  /** Does not answer */
  silent = false
  private readonly records = new Map<string, Answer[]>()
  private readonly close: () => void

  private constructor (udpPort: number, httpPort: number, close: () => void) {
    this.address = `127.0.0.1:${udpPort}`
    this.url = `http://127.0.0.1:${httpPort}/dns-query`
    this.close = close
  }

  static async start (): Promise<NameServer> {
    const udp = createSocket('udp4')
    const http = createServer()
    udp.bind(0, '127.0.0.1')
    http.listen(0, '127.0.0.1')
    await Promise.all([once(udp, 'listening'), once(http, 'listening')])
    const server = new NameServer(udp.address().port, (http.address() as AddressInfo).port, () => {
      udp.close()
      http.close()
      http.closeAllConnections()
    })
    udp.on('message', (message, { port, address }) => {
      const answer = server.answer(message)
      if (answer !== undefined) {
        udp.send(answer, port, address)
      }
    })
    http.on('request', (request, response) => {
      const answer = server.answer(Buffer.from(new URL(request.url ?? '', 'http://localhost').searchParams.get('dns') ?? '', 'base64url'))
      if (answer !== undefined) {
        response.setHeader('content-type', 'application/dns-message').end(answer)
      }
    })
    return server
  }

  stop (): void {
    this.close()
  }

  /** In place of the addresses that the name had. */
  setDnsaddr (host: string, addresses: string[]): void {
    this.setTxt(`_dnsaddr.${host}`, addresses.map(address => `dnsaddr=${address}`))
  }

  setTxt (name: string, texts: string[]): void {
    // a character-string holds 255 bytes (RFC 1035, §3.3.14)
    this.records.set(`TXT ${name}`, texts.map(text => ({ type: 'TXT', name, ttl: this.ttl, data: text.match(/.{1,200}/gs) ?? [''] })))
  }

  setSrv (host: string, targets: SrvTarget[]): void {
    const name = `_skein._tcp.${host}`
    this.records.set(`SRV ${name}`, targets.map(target => ({ type: 'SRV', name, ttl: this.ttl, data: target })))
  }

  private answer (message: Uint8Array): Uint8Array | undefined {
    const { id, questions = [] } = decode(message)
    const asked = questions.map(({ type, name }) => `${type} ${name}`)
    this.questions.push(...asked)
    if (this.silent) {
      return undefined
    }
    const answers = asked.flatMap(question => this.records.get(question) ?? [])
    const NXDOMAIN = 3
    return encode({ type: 'response', id, flags: AUTHORITATIVE_ANSWER | (answers.length === 0 ? NXDOMAIN : 0), questions, answers } as Packet)
  }
}
