/** Many relay nodes without streams behind one HTTP server, `/ID/node/…`: they answer as `serveNode` does. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { TestNode } from '../../test/test-node.ts'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class NodePark {
  readonly nodes: Map<string, TestNode>
  /** Answers to the watch so far */
  polls = 0
  private readonly server: Server

  static async open (count: number, capacity: number): Promise<NodePark> {
    const park = new NodePark(new Map(Array.from({ length: count }, (_, at) => [`n${at}`, new TestNode(`n${at}`, capacity)])))
    park.server.listen(0, '127.0.0.1')
    await once(park.server, 'listening')
    return park
  }

  private constructor (nodes: Map<string, TestNode>) {
    this.nodes = nodes
    this.server = createServer({ keepAlive: true }, (request, response) => {
      this.answer(request).then(answer => {
        response.writeHead(answer === undefined ? 204 : 200, { 'content-type': 'application/json' })
        response.end(answer === undefined ? undefined : JSON.stringify(answer))
      }, (error: Error) => {
        response.writeHead(500)
        response.end(error.message)
      })
    })
  }

  urlOf (id: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${id}`
  }

  async close (): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private async answer (request: IncomingMessage): Promise<unknown> {
    const [, id = '', , what, sessionId = ''] = (request.url as string).split('/')
    const node = this.nodes.get(id)
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) {
      text += chunk as string
    }
    const body = text === '' ? undefined : JSON.parse(text)
    switch (what) {
      case 'health':
        return await node?.health()
      case 'statistics':
        this.polls++
        return await node?.statistics()
      case 'streams':
        if (request.method === 'PUT') {
          await node?.admit({ sessionId, ...body })
        } else {
          await node?.revoke({ sessionId, ...body })
        }
    }
  }
}
