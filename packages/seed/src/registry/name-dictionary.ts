/** Names as small numbers, as long as something uses them: bounded, and a name that finds no place is told so. */
export class NameDictionary {
  private readonly maxCodes: number
  private readonly codes = new Map<string, number>()
  private readonly byCode: Array<string | undefined> = [undefined]
  private readonly uses: number[] = [0]
  private readonly freed: number[] = []
  /** Grows whenever a name comes or goes */
  version = 0

  /** Codes go from 1 to `maxCodes`; `pinned` names have one for good. */
  constructor (maxCodes: number, pinned: string[] = []) {
    this.maxCodes = maxCodes
    for (const name of pinned) {
      this.acquire(name)
    }
  }

  get size (): number {
    return this.codes.size
  }

  code (name: string): number | undefined {
    return this.codes.get(name)
  }

  name (code: number): string | undefined {
    return this.byCode[code]
  }

  names (): IterableIterator<string> {
    return this.codes.keys()
  }

  /** One more use; `undefined` when all codes are taken. */
  acquire (name: string): number | undefined {
    let code = this.codes.get(name)
    if (code === undefined) {
      code = this.freed.pop() ?? this.byCode.length
      if (code > this.maxCodes) {
        return undefined
      }
      this.codes.set(name, code)
      this.byCode[code] = name
      this.uses[code] = 0
      this.version++
    }
    this.uses[code] = (this.uses[code] as number) + 1
    return code
  }

  release (code: number): void {
    const left = (this.uses[code] as number) - 1
    this.uses[code] = left
    if (left === 0) {
      this.codes.delete(this.byCode[code] as string)
      this.byCode[code] = undefined
      this.freed.push(code)
      this.version++
    }
  }
}
