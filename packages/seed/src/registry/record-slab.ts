/** Bytes of many sizes outside the JavaScript heap: pages of 64 KiB, each with places of one size, in chunks that are allocated when needed. */

const UNIT_BYTES = 8
const PAGE_BYTES = 65_536
const PAGE_UNITS = PAGE_BYTES / UNIT_BYTES
const PAGES_PER_CHUNK = 16
/** Places of up to this size differ by 8 bytes, larger ones by 256: waste is 4 bytes on average for a common record. */
const FINE_BYTES = 1024
const COARSE_STEP_BYTES = 256
const FINE_CLASSES = FINE_BYTES / UNIT_BYTES
/** The largest record: a signed envelope of 8 KiB and what stands before it. */
export const MAX_SLAB_RECORD_BYTES = 9216
const CLASSES = FINE_CLASSES + (MAX_SLAB_RECORD_BYTES - FINE_BYTES) / COARSE_STEP_BYTES

const NO_PAGE = 0xffffffff

/**
 * An address is a number above 0. Records move when they are renewed, to the page of their size that has had room for longest, so pages that
 * became sparse drain within one life and are given to other sizes.
 */
export class RecordSlab {
  private readonly maxPages: number
  private readonly chunks: Uint8Array[] = []
  private readonly freePages: number[] = []
  private pageCount = 0
  private readonly classOf: Uint8Array
  private readonly used: Uint16Array
  /** Places of a page that were never used start here, in units */
  private readonly fresh: Uint16Array
  /** First place of a page that was given back, in units plus one; the next is in its first two bytes */
  private readonly freed: Uint16Array
  private readonly nextPage: Uint32Array
  private readonly previousPage: Uint32Array
  /** Of each size, the pages with room */
  private readonly firstPage = new Uint32Array(CLASSES).fill(NO_PAGE)
  private readonly lastPage = new Uint32Array(CLASSES).fill(NO_PAGE)

  constructor (maxBytes: number) {
    this.maxPages = Math.max(1, Math.ceil(maxBytes / PAGE_BYTES))
    this.classOf = new Uint8Array(this.maxPages)
    this.used = new Uint16Array(this.maxPages)
    this.fresh = new Uint16Array(this.maxPages)
    this.freed = new Uint16Array(this.maxPages)
    this.nextPage = new Uint32Array(this.maxPages)
    this.previousPage = new Uint32Array(this.maxPages)
  }

  /** What is held of the system, used or not; never shrinks. */
  get heldBytes (): number {
    return this.chunks.length * PAGES_PER_CHUNK * PAGE_BYTES
  }

  get pagesInUse (): number {
    return this.pageCount - this.freePages.length
  }

  /** `undefined` when there is no room. */
  allocate (length: number): number | undefined {
    const kind = classFor(length)
    let page = this.firstPage[kind] as number
    if (page === NO_PAGE) {
      const taken = this.takePage(kind)
      if (taken === undefined) {
        return undefined
      }
      page = taken
    }
    let unit = this.freed[page] as number
    if (unit > 0) {
      unit--
      const bytes = this.chunk(page)
      const at = placeInChunk(page, unit)
      this.freed[page] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    } else {
      unit = this.fresh[page] as number
      this.fresh[page] = unit + unitsOf(kind)
    }
    this.used[page] = (this.used[page] as number) + 1
    if (this.isFull(page, kind)) {
      this.unlink(page, kind)
    }
    return page * PAGE_UNITS + unit + 1
  }

  /** Gives the place back; the page too when it was its last. */
  free (address: number): void {
    const page = Math.floor((address - 1) / PAGE_UNITS)
    const unit = (address - 1) % PAGE_UNITS
    const kind = this.classOf[page] as number
    const wasFull = this.isFull(page, kind)
    const bytes = this.chunk(page)
    const at = placeInChunk(page, unit)
    const next = this.freed[page] as number
    bytes[at] = next & 0xff
    bytes[at + 1] = next >>> 8
    this.freed[page] = unit + 1
    const used = (this.used[page] as number) - 1
    this.used[page] = used
    if (used === 0) {
      if (!wasFull) {
        this.unlink(page, kind)
      }
      this.freePages.push(page)
    } else if (wasFull) {
      this.link(page, kind)
    }
  }

  /** The bytes that an address lies in; it starts at `offset(address)`. */
  bytes (address: number): Uint8Array {
    return this.chunk(Math.floor((address - 1) / PAGE_UNITS))
  }

  offset (address: number): number {
    return placeInChunk(Math.floor((address - 1) / PAGE_UNITS), (address - 1) % PAGE_UNITS)
  }

  private takePage (kind: number): number | undefined {
    let page = this.freePages.pop()
    if (page === undefined) {
      if (this.pageCount >= this.maxPages) {
        return undefined
      }
      page = this.pageCount++
      if (page % PAGES_PER_CHUNK === 0) {
        this.chunks.push(new Uint8Array(PAGES_PER_CHUNK * PAGE_BYTES))
      }
    }
    this.classOf[page] = kind
    this.used[page] = 0
    this.fresh[page] = 0
    this.freed[page] = 0
    this.link(page, kind)
    return page
  }

  private isFull (page: number, kind: number): boolean {
    return this.freed[page] === 0 && (this.fresh[page] as number) + unitsOf(kind) > PAGE_UNITS
  }

  private link (page: number, kind: number): void {
    const last = this.lastPage[kind] as number
    this.nextPage[page] = NO_PAGE
    this.previousPage[page] = last
    if (last === NO_PAGE) {
      this.firstPage[kind] = page
    } else {
      this.nextPage[last] = page
    }
    this.lastPage[kind] = page
  }

  private unlink (page: number, kind: number): void {
    const next = this.nextPage[page] as number
    const previous = this.previousPage[page] as number
    if (previous === NO_PAGE) {
      this.firstPage[kind] = next
    } else {
      this.nextPage[previous] = next
    }
    if (next === NO_PAGE) {
      this.lastPage[kind] = previous
    } else {
      this.previousPage[next] = previous
    }
  }

  private chunk (page: number): Uint8Array {
    return this.chunks[Math.floor(page / PAGES_PER_CHUNK)] as Uint8Array
  }
}

function classFor (length: number): number {
  return length <= FINE_BYTES
    ? Math.max(0, Math.ceil(length / UNIT_BYTES) - 1)
    : FINE_CLASSES + Math.ceil((length - FINE_BYTES) / COARSE_STEP_BYTES) - 1
}

function unitsOf (kind: number): number {
  return kind < FINE_CLASSES ? kind + 1 : (FINE_BYTES + (kind - FINE_CLASSES + 1) * COARSE_STEP_BYTES) / UNIT_BYTES
}

function placeInChunk (page: number, unit: number): number {
  return (page % PAGES_PER_CHUNK) * PAGE_BYTES + unit * UNIT_BYTES
}
