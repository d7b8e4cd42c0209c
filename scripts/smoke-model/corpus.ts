/** The text that the model is trained on, and which chapters of it are held out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const HELD_OUT_EVERY = 20

export interface Chapters {
  training: string[]
  heldOut: string[]
}

/** Chapters 20, 40, 60, 80, 100 and 120 are held out. */
export function readChapters (): Chapters {
  const chapters = gunzipSync(readFileSync(join(import.meta.dirname, 'text/moby-dick.txt.gz'))).toString('utf8').split('\f')
  const isHeldOut = (_: string, index: number): boolean => index % HELD_OUT_EVERY === HELD_OUT_EVERY - 1
  return { training: chapters.filter((chapter, index) => !isHeldOut(chapter, index)), heldOut: chapters.filter(isHeldOut) }
}
