import { expect } from 'chai'
import { handlerBackend, ModelTable } from '../src/index.ts'
import type { Backend } from '../src/index.ts'

const broken = (models: Backend['models']): Backend => ({ ...handlerBackend('x', () => ''), models })

describe('ModelTable', () => {
  it('finds the backend of a model, the one added first where two serve it, until that is removed', async () => {
    const table = new ModelTable()
    const [first, second, other] = [handlerBackend('m', () => '1'), handlerBackend('m', () => '2'), handlerBackend('n', () => '3')]
    ;[first, second, other].forEach(backend => { table.add(backend) })
    expect((await table.refresh()).map(({ id }) => id)).to.deep.equal(['m', 'n'])
    expect(table.find('m')?.backend).to.equal(first)
    expect(table.remove(first)).to.equal(true)
    expect(table.remove(first)).to.equal(false)
    expect(table.find('m')?.backend).to.equal(second)
    expect(table.find('o')).to.equal(undefined)
  })

  it('leaves out a backend that cannot say what it serves, and one that does not answer', async () => {
    const errors: unknown[] = []
    const table = new ModelTable({ onBackendError: error => { errors.push(error) } })
    table.add(broken(async () => { throw new Error('down') }))
    table.add(broken(async () => new Promise(() => {})))
    table.add(handlerBackend('m', () => ''))
    const controller = new AbortController()
    const models = table.refresh({ signal: controller.signal })
    await Promise.resolve().then(() => {}) // the backends that answer have
    controller.abort(new Error('late'))
    expect((await models).map(({ id }) => id)).to.deep.equal(['m'])
    expect(errors.map(String)).to.have.members(['Error: down', 'Error: late'])
  })

  it('takes only so many models from one backend', async () => {
    const table = new ModelTable({ maxModelsPerBackend: 2 })
    const [model] = await handlerBackend('m', () => '').models()
    table.add(broken(async () => ['a', 'b', 'c'].map(id => ({ ...model as NonNullable<typeof model>, id }))))
    expect((await table.refresh()).map(({ id }) => id)).to.deep.equal(['a', 'b'])
  })
})
