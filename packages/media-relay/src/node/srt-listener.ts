/** An SRT port of the relay, opened. */
import { SrtListener } from '@skein/srt/node'
import { MediaListenError } from './listen-error.ts'
import type { ListenOptions } from '@skein/srt/node'

/** @throws {MediaListenError} when the port cannot be opened; what the options are found wrong with */
export async function openSrtListener (purpose: string, options: ListenOptions & { host: string, port: number }): Promise<SrtListener> {
  try {
    return await SrtListener.listen(options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === undefined ? error : new MediaListenError(code, options.host, options.port, purpose, { cause: error })
  }
}
