/** HTML and SVG as template strings in which every value is escaped, unless it is markup itself. */

export class Markup {
  readonly text: string

  constructor (text: string) {
    this.text = text
  }
}

export type MarkupValue = string | number | Markup | MarkupValue[] | undefined

export function markup (parts: TemplateStringsArray, ...values: MarkupValue[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + render(values[i - 1]) + part))
}

function render (value: MarkupValue): string {
  if (value === undefined) {
    return ''
  }
  if (Array.isArray(value)) {
    return value.map(render).join('')
  }
  return value instanceof Markup ? value.text : escape(String(value))
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\'', '&#39;')
}
