import { expect } from 'chai'
import fc from 'fast-check'
import { serveNode } from '@skein/fleet/node'
import { TestNode } from '../test-node.ts'
import { NODE_KEY } from './fleet-world.ts'
import type { ServedNode } from '@skein/fleet/node'

const ROUTES: Array<[method: string, path: string, body?: object]> = [
  ['GET', '/node/health'], ['GET', '/node/statistics'], ['PUT', '/node/streams/s1', { streamToken: 'a'.repeat(32), fence: 1 }],
  ['POST', '/node/streams/s1/revoke', { fence: 1 }], ['POST', '/node/drain', { draining: true }]
]

describe('The face of a relay node', () => {
  const served: ServedNode[] = []

  afterEach(async () => { await Promise.all(served.splice(0).map(async node => { await node.close() })) })

  const open = async (node: TestNode, allowFrom?: string[]): Promise<ServedNode> => {
    const face = await serveNode({ agent: node, key: NODE_KEY, port: 0, allowFrom })
    served.push(face)
    return face
  }
  const ask = async ({ url }: ServedNode, key: string | undefined, method: string, path: string, body?: unknown): Promise<{ status: number, error?: any }> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...key === undefined ? {} : { authorization: `Bearer ${key}` }, ...body === undefined ? {} : { 'content-type': 'application/json' } },
      body: body === undefined ? undefined : JSON.stringify(body)
    })
    const text = await response.text()
    return { status: response.status, error: text === '' ? undefined : JSON.parse(text).error }
  }

  it('answers its control plane alone: nobody without the key, and nobody from elsewhere with it', async () => {
    const node = new TestNode('a', 2)
    const face = await open(node)
    const elsewhere = await open(node, ['192.0.2.0/24', '2001:db8::1'])
    for (const [method, path, body] of ROUTES) {
      for (const key of [undefined, 'k'.repeat(NODE_KEY.length), NODE_KEY.slice(1)]) {
        expect(await ask(face, key, method, path, body), path).to.deep.include({ status: 401 })
      }
      expect((await ask(elsewhere, NODE_KEY, method, path, body)).status, path).to.equal(403)
    }
    expect(node.admissions.list()).to.deep.equal([])
    expect(node.admissions.draining).to.equal(false)
    const here = await open(node, ['127.0.0.0/8'])
    for (const [method, path, body] of ROUTES) {
      expect((await ask(here, NODE_KEY, method, path, body)).status, path).to.be.within(200, 299)
    }
    expect(await serveNode({ agent: node, key: 'short', port: 0 }).then(() => undefined, error => error)).to.be.instanceOf(RangeError)
  })

  it('names the field that is wrong, and takes nothing of it', async () => {
    const node = new TestNode('a', 2)
    const face = await open(node)
    const wrong: Array<[method: string, path: string, body: unknown, field: string]> = [
      ['PUT', '/node/streams/S1', { streamToken: 'a'.repeat(32), fence: 1 }, 'path.sessionId'],
      ['PUT', '/node/streams/s1', { streamToken: 'short', fence: 1 }, 'streamToken'],
      ['PUT', '/node/streams/s1', { streamToken: 'a'.repeat(32) }, 'fence'],
      ['PUT', '/node/streams/s1', { streamToken: 'a'.repeat(32), fence: 1.5 }, 'fence'],
      ['PUT', '/node/streams/s1', { streamToken: 'a'.repeat(32), fence: 1, more: 1 }, 'more'],
      ['POST', '/node/streams/s1/revoke', {}, 'fence'],
      ['POST', '/node/drain', { draining: 'yes' }, 'draining']
    ]
    for (const [method, path, body, field] of wrong) {
      const { status, error } = await ask(face, NODE_KEY, method, path, body)
      expect([status, error.field], JSON.stringify(body)).to.deep.equal([400, field])
      expect(error.requestId).to.be.a('string')
    }
    expect(node.admissions.list()).to.deep.equal([])
  })

  it('answers whatever it is sent with a result or with what is wrong', async () => {
    const face = await open(new TestNode('a', 2))
    await fc.assert(fc.asyncProperty(fc.constantFrom(...ROUTES), fc.jsonValue({ maxDepth: 3 }), async ([method, path], body) => {
      const { status, error } = await ask(face, NODE_KEY, method, path, method === 'GET' ? undefined : body)
      expect(status).to.be.within(200, 499)
      expect(status < 400 || typeof error.field === 'string', JSON.stringify(error)).to.equal(true)
    }), { numRuns: 100, seed: 9 })
  })
})
