/** A list of revoked credentials: one id on a line, and what a person notes after a `#`. */

/** A line is not what it has to be; the list is not used. */
export class RevocationListError extends Error {
  static override name = 'RevocationListError'
  override readonly name = 'RevocationListError'
  readonly line: number

  constructor (line: number, text: string) {
    const expected = 'the 32 hexadecimal digits of a credential\'s id, and after # a note'
    super(`Line ${line} of the revocation list is "${text.slice(0, 80)}"; expected ${expected}`)
    this.line = line
  }
}

/** @throws {RevocationListError} */
export function parseRevokedTokens (text: string): Set<string> {
  const ids = new Set<string>()
  for (const [i, line] of text.split('\n').entries()) {
    const id = (line.split('#')[0] as string).trim().toLowerCase()
    if (id !== '' && !/^[0-9a-f]{32}$/.test(id)) {
      throw new RevocationListError(i + 1, line)
    }
    if (id !== '') {
      ids.add(id)
    }
  }
  return ids
}

/** The line that revokes a credential. */
export function revokedTokenLine (id: string, note: string): string {
  return `${id}${note === '' ? '' : ` # ${note.replace(/\p{Cc}/gu, ' ')}`}\n`
}
