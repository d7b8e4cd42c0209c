/** The thread that has SQLite where its process has not: it answers one question after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { SqliteConnection } from './sqlite-connection.ts'
import type { SqliteAnswer, SqliteQuestion } from './threaded-sqlite.ts'

const connection = new SqliteConnection(workerData as string)

function answer (question: SqliteQuestion): SqliteAnswer {
  try {
    switch (question.type) {
      case 'run':
        return { rows: connection.run(question.sql, question.values) }
      case 'rollBack':
        connection.rollBack()
        return { rows: [] }
      case 'close':
        connection.close()
        return { rows: [] }
    }
  } catch (error) {
    // what an error has beside its message does not come through
    const { message, code, errcode } = error as Error & { code?: string, errcode?: number }
    return { failure: { message, code, errcode } }
  }
}

parentPort?.on('message', (question: SqliteQuestion) => { parentPort?.postMessage(answer(question), []) })
parentPort?.postMessage({ rows: [] } satisfies SqliteAnswer, [])
