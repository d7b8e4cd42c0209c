/** Where the scenarios are that ship with the project: the sources in `simulations/`, or what is built from them, beside this file. */

export const SHIPPED_SCENARIOS = new URL(import.meta.url.endsWith('.ts') ? '../../../simulations/' : './simulations/', import.meta.url)
