import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'

describe('the HTTP port of skein seed', function () {
  this.timeout(60_000)

  it('speaks the relay protocol of existing devices on /ws, and lets its sockets go when it stops', async () => {
    const seed = new SkeinProcess(['seed', '--listen', '/ip4/127.0.0.1/tcp/0', '--ephemeral', '--http', '127.0.0.1:0', '--log-level', 'warn', '--drain', '1'])
    try {
      const { http } = await seed.event('listening')
      const socket = new WebSocket(`${(http as string).replace('http', 'ws')}/ws?node=${'ab'.repeat(32)}`)
      const answer = new Promise<MessageEvent>(resolve => { socket.addEventListener('message', resolve, { once: true }) })
      const closed = new Promise<CloseEvent>(resolve => { socket.addEventListener('close', resolve, { once: true }) })
      await new Promise(resolve => { socket.addEventListener('open', resolve, { once: true }) })
      socket.send(JSON.stringify({ fly: {} }))
      const { data } = await answer
      expect(JSON.parse(typeof data === 'string' ? data : await (data as Blob).text()).error.code).to.equal('unsupported_message')
      const metrics = await (await fetch(`${http as string}/metrics`)).text()
      expect(metrics).to.match(/^skein_seed_device_sockets 1$/m).and.match(/^skein_seed_devices 0$/m)
      expect(metrics).to.match(/^skein_seed_device_refusals_total\{reason="unsupported_message"\} 1$/m)
      seed.kill('SIGTERM')
      expect((await closed).code).to.equal(1001)
      expect((await seed.exit()).code).to.equal(0)
    } finally {
      await seed.dispose()
    }
  })
})
