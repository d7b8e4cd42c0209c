/** Asks an OpenAI-compatible server for streams and counts what comes: little more than the sockets, so that it measures the other side. */
import { Agent, request } from 'node:http'

export interface Answer {
  /** From the request to the first token, ms */
  ttftMs: number
  tokens: number
}

/** Every token of the paced backend begins so, and nothing else does. */
const TOKEN = '"content":" token'

export class LoadClient {
  private readonly url: string
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 })

  /** @param baseURL - up to and with `/v1` */
  constructor (baseURL: string) {
    this.url = `${baseURL}/chat/completions`
  }

  /** One streamed answer of `tokens` tokens; throws when it is not whole. */
  async ask (tokens: number): Promise<Answer> {
    const body = JSON.stringify({
      model: 'paced', stream: true, max_tokens: tokens, messages: [{ role: 'user', content: 'Count the tokens, one after the other.' }]
    })
    const startMs = performance.now()
    return await new Promise((resolve, reject) => {
      const sent = request(this.url, { agent: this.agent, method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
        let ttftMs = 0
        let count = 0
        let rest = ''
        let done = false
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          rest += text
          const end = rest.lastIndexOf('\n\n')
          const whole = rest.slice(0, end + 1)
          for (let at = whole.indexOf(TOKEN); at !== -1; at = whole.indexOf(TOKEN, at + TOKEN.length)) {
            count++
          }
          if (count > 0 && ttftMs === 0) {
            ttftMs = performance.now() - startMs
          }
          done ||= whole.includes('data: [DONE]')
          rest = rest.slice(end + 1)
        })
        response.on('end', () => {
          if (response.statusCode === 200 && done) {
            resolve({ ttftMs, tokens: count })
          } else {
            reject(new Error(`${this.url} answered ${response.statusCode}: ${rest.slice(0, 500)}`))
          }
        })
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** Opens connections, finds routes, lets the compiler see the code. */
  async warmUp (streams: number): Promise<void> {
    await this.ask(2)
    await Promise.all(Array.from({ length: streams }, async () => await this.ask(50)))
  }

  close (): void {
    this.agent.destroy()
  }
}
