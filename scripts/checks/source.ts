/** What the checks need of a source file: its tokens without comments, strings and types of trivia told apart, and its imports. */
import { createScanner, SyntaxKind } from 'typescript/unstable/ast'

export interface Token {
  kind: 'word' | 'string' | 'other'
  /** A word or sign as written; of a string its value */
  text: string
  line: number
}

export interface Import {
  specifier: string
  /** Erased at run time: `import type`, `export type`, `import('x').Type`; not `import { type A }`, which leaves `import {}` behind */
  typeOnly: boolean
  line: number
}

export interface Source {
  tokens: Token[]
  imports: Import[]
}

const parsed = new Map<string, Source>()

/** Reads a source; remembers it, as every check asks for the same files. */
export function parse (text: string): Source {
  let source = parsed.get(text)

  if (source === undefined) {
    const tokens = tokenize(text)
    source = { tokens, imports: findImports(tokens) }
    parsed.set(text, source)
  }
  return source
}

/** The scanner leaves two decisions to a parser: whether `/` starts a regular expression, and whether `}` goes on with a template. */
function tokenize (text: string): Token[] {
  const scanner = createScanner(true)
  const tokens: Token[] = []
  const braces: Array<'block' | 'template'> = []
  const lineStarts = [0]

  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    lineStarts.push(at + 1)
  }
  scanner.setText(text)

  let line = 0
  for (;;) {
    let kind = scanner.scan()

    if (kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) {
      if (!endsOperand(tokens.at(-1))) {
        kind = scanner.reScanSlashToken()
      }
    } else if (kind === SyntaxKind.OpenBraceToken) {
      braces.push('block')
    } else if (kind === SyntaxKind.TemplateHead) {
      braces.push('template')
    } else if (kind === SyntaxKind.CloseBraceToken) {
      if (braces.pop() === 'template') {
        kind = scanner.reScanTemplateToken(false)
        if (kind === SyntaxKind.TemplateMiddle) {
          braces.push('template')
        }
      }
    }

    if (kind === SyntaxKind.EndOfFile) {
      return tokens
    }
    while (line + 1 < lineStarts.length && (lineStarts[line + 1] as number) <= scanner.getTokenStart()) {
      line++
    }
    tokens.push({ ...classify(kind, scanner.getTokenText(), scanner.getTokenValue()), line: line + 1 })
  }
}

function classify (kind: SyntaxKind, text: string, value: string): Omit<Token, 'line'> {
  switch (kind) {
    case SyntaxKind.StringLiteral:
    case SyntaxKind.NoSubstitutionTemplateLiteral:
      return { kind: 'string', text: value }
    case SyntaxKind.TemplateHead:
    case SyntaxKind.TemplateMiddle:
      return { kind: 'other', text: '${' } // what stands around is an expression
    case SyntaxKind.TemplateTail:
      return { kind: 'other', text: '`' }
    case SyntaxKind.RegularExpressionLiteral:
      return { kind: 'other', text: '/…/' }
    default:
      return { kind: /^[\p{ID_Start}$_#]/u.test(text) ? 'word' : 'other', text }
  }
}

/** Whether a `/` after this token divides. */
function endsOperand (token: Token | undefined): boolean {
  if (token === undefined) {
    return false
  }
  if (token.kind === 'word') {
    return !/^(return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|yield|await)$/.test(token.text)
  }
  return token.kind === 'string' || /^[)\]}`\d.]|^\/…\/$/.test(token.text)
}

function findImports (tokens: Token[]): Import[] {
  const imports: Import[] = []

  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    const previous = tokens[i - 1]?.text

    if (token.kind !== 'word' || previous === '.' || previous === '?.') {
      continue
    }
    if (token.text === 'require' && tokens[i + 1]?.text === '(' && tokens[i + 2]?.kind === 'string') {
      imports.push({ specifier: tokens[i + 2]!.text, typeOnly: false, line: token.line })
    } else if (token.text === 'import' && tokens[i + 1]?.text === '(' && tokens[i + 2]?.kind === 'string') {
      imports.push({ specifier: tokens[i + 2]!.text, typeOnly: previous === 'typeof' || isTypeMember(tokens, i + 4), line: token.line })
    } else if (token.text === 'import' && tokens[i + 1]?.kind === 'string') {
      imports.push({ specifier: tokens[i + 1]!.text, typeOnly: false, line: token.line })
    } else if (token.text === 'import' || token.text === 'export') {
      const found = readClause(tokens, i)

      if (found !== undefined) {
        imports.push(found)
      }
    }
  }
  return imports
}

/** `import('x').Name` is a type: of a promise, nobody takes a member that starts with a capital. */
function isTypeMember (tokens: Token[], dot: number): boolean {
  return tokens[dot]?.text === '.' && /^\p{Lu}/u.test(tokens[dot + 1]?.text ?? '')
}

/** `import a, { b } from 'x'`, `export * from 'x'`, `export type { A } from 'x'`; `undefined` when it is another statement. */
function readClause (tokens: Token[], start: number): Import | undefined {
  const keyword = tokens[start] as Token
  const next = tokens[start + 1]?.text
  const afterNext = tokens[start + 2]
  // A default import may be called `type`: `import type from 'x'`
  const typeOnly = next === 'type' && afterNext?.text !== ',' && !(afterNext?.text === 'from' && tokens[start + 3]?.kind === 'string')

  for (let at = start + 1; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const following = tokens[at + 1]

    if (token.text === 'from' && following?.kind === 'string') {
      return { specifier: following.text, typeOnly, line: keyword.line }
    }
    // Anything else than names in braces is a declaration, or an export of local names
    if (!(token.kind === 'word' || /^[{},*]$/.test(token.text)) || token.text === 'import' || token.text === 'export') {
      return undefined
    }
    if (token.text === '}' && following?.text !== 'from') {
      return undefined
    }
  }
}
