/** The last line of a benchmark: one JSON object, `{"bench", "results": [{"name", "value", "unit", "target"?, "better"}]}`. */

/** What is wrong with it; `undefined` when nothing is. */
export function resultProblem (line: string): string | undefined {
  let object: any

  try {
    object = JSON.parse(line)
  } catch {
    return 'the last line is not JSON'
  }

  if (typeof object?.bench !== 'string' || !Array.isArray(object.results) || object.results.length === 0) {
    return 'the last line lacks "bench" or "results"'
  }

  for (const result of object.results) {
    if (typeof result?.name !== 'string' || typeof result.value !== 'number' || typeof result.unit !== 'string') {
      return `a result lacks "name", "value" or "unit": ${JSON.stringify(result)}`
    }
    if (result.better !== 'lower' && result.better !== 'higher') {
      return `"better" of ${result.name} is neither "lower" nor "higher"`
    }
    if (result.target !== undefined && typeof result.target !== 'number') {
      return `"target" of ${result.name} is not a number`
    }
  }
}
