import { expect } from 'chai'
import fc from 'fast-check'
import { FleetWorld } from './fleet-world.ts'
import { operationsOf, requestsOf } from './described-request.ts'
import type { Operation } from './described-request.ts'

const REQUESTS = 40

describe('The API of the fleet, asked as its OpenAPI document says and otherwise', function () {
  this.timeout(120_000)
  let world: FleetWorld
  let operations: Operation[]
  let keys: string[]

  before(async () => {
    world = await FleetWorld.open({ pollMs: 60_000 })
    await world.addNode('kc1', 100)
    keys = [await world.key(['sessions'], 'ann'), await world.key(['nodes', 'metrics', 'keys'])]
    const { status, body } = await world.ask(undefined, 'GET', '/openapi.json')
    expect(status).to.equal(200)
    expect(body).to.deep.include({ openapi: '3.1.0' })
    operations = operationsOf(body)
  })
  after(async () => { await world.close() })

  it('describes all that it answers', () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).to.deep.equal([
      'DELETE /v1/keys/{id}', 'DELETE /v1/nodes/{id}', 'DELETE /v1/relays/{id}', 'DELETE /v1/sessions/{id}', 'DELETE /v1/slots/{slot}',
      'GET /health', 'GET /metrics', 'GET /ready', 'GET /v1/keys', 'GET /v1/nodes', 'GET /v1/nodes/{id}/statistics', 'GET /v1/relays', 'GET /v1/sessions', 'GET /v1/sessions/{id}',
      'GET /v1/sessions/{id}/progress', 'GET /v1/sessions/{id}/statistics', 'GET /v1/slots',
      'POST /v1/keys', 'POST /v1/nodes/{id}/drain', 'POST /v1/nodes/{id}/evacuate', 'POST /v1/nodes/{id}/resume',
      'POST /v1/sessions', 'POST /v1/sessions/{id}/heartbeat', 'POST /v1/sessions/{id}/move',
      'PUT /v1/nodes/{id}', 'PUT /v1/relays/{id}', 'PUT /v1/slots/{slot}'
    ])
  })

  it('answers each with a result or with what is wrong, and never fails', async () => {
    const statuses = new Map<number, number>()
    for (const operation of operations) {
      await fc.assert(fc.asyncProperty(requestsOf(operation), fc.constantFrom(0, 0, 0, 1, 2), async (request, who) => {
        const key = /keys|nodes|metrics/.test(operation.path) ? keys[1 - Math.min(1, who)] : keys[Math.min(1, who)]
        const answer = await world.ask(who === 2 ? undefined : key, request.method, request.path, request.body === undefined ? undefined : JSON.stringify(request.body))
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        expect(answer.status, JSON.stringify(answer.body)).to.be.within(200, 499)
        if (answer.status >= 400) {
          expect(answer.body.error).to.include.keys('code', 'message', 'requestId')
          expect(answer.body.error.requestId).to.equal(answer.headers.get('x-request-id'))
          if (answer.status !== 404 || answer.body.error.code !== 'not_found') {
            expect(answer.body.error.field, JSON.stringify(answer.body)).to.be.a('string').and.not.equal('')
          }
        }
      }), { numRuns: REQUESTS, seed: 9 })
    }
    expect(world.problems.filter(problem => problem.startsWith('Request'))).to.deep.equal([])
    // it got past the checks, and not always
    expect(statuses.get(200)).to.be.above(20)
    expect(statuses.get(400)).to.be.above(20)
  })
})
