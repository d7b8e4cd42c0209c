/** The page in a real Chromium: it chats with a peer under Node, and one page answers another. `SCREENSHOTS=folder` keeps pictures. */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { startHost } from './host.ts'
import type { Page } from 'playwright-core'

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'
]
const { SCREENSHOTS } = process.env

const { stdout, status } = spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
if (status === 0) {
  await run(stdout.trim())
} else {
  console.log('skipped: chromium is not installed (apt-get install chromium)')
}

async function run (executablePath: string): Promise<void> {
  const host = await startHost({ port: 0 })
  const profile = await mkdtemp(join(tmpdir(), 'skein-chat-'))
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, viewport: { width: 1200, height: 800 } })
  const complaints: string[] = []
  try {
    const open = async (): Promise<Page> => {
      const page = await browser.newPage()
      page.on('pageerror', error => { complaints.push(error.message) })
      await page.goto(host.url)
      await page.locator('#send:enabled').waitFor()
      return page
    }
    const page = await open()
    await ask(page, 'The whale')
    match(await page.locator('.answer footer').innerText(), new RegExp(`${host.server.slice(-6)}.*direct.*\\d+ tokens/s`, 's'))
    await picture(page, 'chat')
    await page.setViewportSize({ width: 390, height: 780 })
    await picture(page, 'chat-narrow')

    const serving = await open()
    await serving.locator('#serve').check()
    await serving.getByText('Others can ask this page').waitFor()
    const asking = await open()
    // a peer that is reached directly goes first, as long as there is one
    await host.stopServing()
    const punched = asking.locator('.answer .path[data-path=punched]')
    for (let answers = 0; await punched.count() === 0;) {
      await ask(asking, 'Call me Ishmael.')
      answers++
      notEqual(answers, 20, 'the page that serves was never asked past the relay')
    }
    notEqual(await serving.locator('#given').innerText(), '0')
    await picture(asking, 'two-pages')
    await picture(serving, 'serving')
    equal(await asking.locator('.answer.failed').count(), 0)
    deepEqual(complaints, [])
    console.log('a page chatted with a peer under Node, and with another page over WebRTC')
  } finally {
    await browser.close()
    await host.stop()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function ask (page: Page, words: string): Promise<void> {
  const before = await page.locator('.answer').count()
  await page.locator('#text').fill(words)
  await page.locator('#send').click()
  await page.locator('.answer').nth(before).waitFor()
  await page.locator('.under-way').waitFor({ state: 'detached' })
  notEqual(await page.locator('.answer p').nth(before).innerText(), '')
}

async function picture (page: Page, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) {
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
  }
}
