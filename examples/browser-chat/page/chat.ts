/** The page: joins the mesh, sends what is written to a model, shows who answers; and serves a model when it is told to. */
import { createPeer, InferenceError } from '@skein/peer'
import { webRtc } from '@skein/webrtc'
import { connectionRows, shortName } from './network.ts'
import { servingSwitch } from './serving.ts'

const LOOK_MS = 2_000

function element<T extends HTMLElement> (id: string): T {
  return document.getElementById(id) as T
}

const [talk, form, text, send, models, status] = [
  element('talk'), element<HTMLFormElement>('ask'), element<HTMLTextAreaElement>('text'), element<HTMLButtonElement>('send'),
  element<HTMLSelectElement>('model'), element('status')
]

const { bootstrap } = await (await fetch('/mesh.json')).json() as { bootstrap: string[] }
const peer = await createPeer({ bootstrap, reachability: { webrtc: webRtc() } })
addEventListener('pagehide', () => { void peer.stop() })
element('self').textContent = shortName(peer.id)
element('self').title = peer.id
servingSwitch(peer, {
  toggle: element<HTMLInputElement>('serve'), told: element('serving'), relay: element('relay'), given: element('given')
})

let underWay: AbortController | undefined
form.addEventListener('submit', event => {
  event.preventDefault()
  if (underWay !== undefined) {
    underWay.abort()
  } else if (text.value.trim() !== '') {
    void answer(text.value.trim())
    text.value = ''
  }
})
text.addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault()
    form.requestSubmit()
  }
})
for (const starter of document.querySelectorAll<HTMLButtonElement>('.starters button')) {
  starter.addEventListener('click', () => {
    text.value = starter.textContent
    form.requestSubmit()
  })
}

show()
peer.addEventListener('peer:connected', show)
peer.addEventListener('peer:disconnected', show)
peer.addEventListener('path:changed', show)
void lookForModels()
setInterval(() => { void lookForModels() }, LOOK_MS)

/** One question with its answer. */
async function answer (question: string): Promise<void> {
  talk.append(item('asked', question))
  const entry = item('answer', '')
  entry.classList.add('under-way')
  const [paragraph, footer] = [entry.querySelector('p') as HTMLElement, document.createElement('footer')]
  entry.append(footer)
  talk.append(entry)
  talk.scrollTop = talk.scrollHeight
  underWay = new AbortController()
  setSend()
  const startedMs = performance.now()
  try {
    const body = { messages: [{ role: 'user', content: question }] }
    const call = peer.call({ task: 'chat', model: models.value, body }, { signal: underWay.signal })
    let [firstMs, tokens] = [0, 0]
    for await (const event of call) {
      if (event.type === 'usage') {
        tokens = Number(event.usage.completion_tokens)
      }
      if (event.type === 'delta') {
        firstMs ||= performance.now()
        tokens++
        paragraph.append(event.text)
      }
      if (firstMs > 0) {
        const isAtEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 100
        describe(footer, await call.route, firstMs - startedMs, tokens / Math.max(0.001, (performance.now() - firstMs) / 1_000))
        if (isAtEnd) {
          talk.scrollTop = talk.scrollHeight
        }
      }
    }
  } catch (error) {
    if (!underWay.signal.aborted) {
      entry.classList.add('failed')
      paragraph.append(error instanceof InferenceError && error.code === 'no_provider' ? 'Nobody serves this model now.' : (error as Error).message)
    }
  } finally {
    entry.classList.remove('under-way')
    underWay = undefined
    setSend()
    show()
  }
}

function item (kind: string, words: string): HTMLLIElement {
  const entry = document.createElement('li')
  entry.className = kind
  const paragraph = document.createElement('p')
  paragraph.textContent = words
  entry.append(paragraph)
  return entry
}

function describe (footer: HTMLElement, { peer: by, path }: { peer: string, path: string }, waitedMs: number, speed: number): void {
  const name = document.createElement('code')
  name.textContent = by === peer.id ? 'this page' : shortName(by)
  name.title = by
  const way = document.createElement('span')
  way.className = 'path'
  way.textContent = way.dataset.path = path
  footer.replaceChildren(name, way, ...[`${speed.toFixed(0)} tokens/s`, `first after ${waitedMs.toFixed(0)} ms`].map(words => {
    const figure = document.createElement('span')
    figure.textContent = words
    return figure
  }))
}

/** The models that are there now; the one that was chosen stays. */
async function lookForModels (): Promise<void> {
  const listed = await peer.models().catch(() => [])
  const names = listed.filter(({ tasks }) => tasks.length === 0 || tasks.includes('chat')).map(({ id }) => id)
  if (names.join() !== [...models.options].map(({ value }) => value).join()) {
    const chosen = models.value
    models.replaceChildren(...names.map(name => new Option(name)))
    models.value = names.includes(chosen) ? chosen : names[0] ?? ''
  }
  models.disabled = names.length === 0
  setSend()
  show()
}

function setSend (): void {
  send.textContent = underWay === undefined ? 'Send' : 'Stop'
  send.disabled = models.disabled && underWay === undefined
}

function counted (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function show (): void {
  const rows = connectionRows(peer)
  status.dataset.state = rows.length === 0 ? 'alone' : 'joined'
  status.textContent = rows.length === 0
    ? 'not connected, trying again'
    : `${counted(rows.length, 'connection')}, ${counted(models.options.length, 'model')}`
  element('peers').replaceChildren(...rows.map(({ name, title, path }) => {
    const row = document.createElement('li')
    const code = document.createElement('code')
    code.textContent = name
    code.title = title
    const way = document.createElement('span')
    way.className = 'path'
    way.textContent = way.dataset.path = path
    row.append(code, way)
    return row
  }))
}
