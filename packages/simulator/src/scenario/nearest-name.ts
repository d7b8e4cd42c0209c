/** Which of the known names was probably meant: the one with the fewest edits to it. */

/** Names further away than this are no guess at all: half of what was written, two letters at least. */
function limit (wanted: string): number {
  return Math.max(2, Math.floor(wanted.length / 2))
}

export function nearestName (wanted: string, known: Iterable<string>): string | undefined {
  let best: { name: string, edits: number } | undefined
  for (const name of known) {
    const edits = distance(wanted.toLowerCase(), name.toLowerCase())
    if (edits <= limit(wanted) && (best === undefined || edits < best.edits)) {
      best = { name, edits }
    }
  }
  return best?.name
}

/** People leave the ends of long names away; that counts as one edit. */
function distance (wanted: string, name: string): number {
  return Math.min(editDistance(wanted, name), editDistance(wanted, name.slice(0, wanted.length)) + 1)
}

/** Letters to insert, remove or replace (V. Levenshtein, 1966). */
function editDistance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
