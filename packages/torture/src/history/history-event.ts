/**
 * The format of a history: one JSON document per line, in the order of writing. Many processes append to one file. `at`
 * is the machine's monotonic clock in milliseconds, so times of different processes are comparable, and jumps of a
 * process's wall clock have no effect. An operation has one line when it is invoked and another with its outcome. An
 * operation whose process was killed has no outcome, and counts as unknown.
 */

/** The fields of every line. */
interface Line {
  readonly at: number;
  /** The process that wrote the line. */
  readonly pid: number;
}

/** A row of a tenant. */
export interface Row {
  readonly table: string;
  readonly org: string;
  readonly id: string;
}

/** `unknown`: the operation may or may not have been executed. */
export type Outcome = 'ok' | 'failed' | 'unknown';

/** An operation of a client that changes something. */
export interface OperationEvent extends Line, Row {
  readonly kind: 'operation';
  readonly phase: 'invoke' | Outcome;
  /** Unique; the same in both lines. */
  readonly call: string;
  readonly name: 'persistIntent' | 'softDelete' | 'delete' | 'mark';
  /** The stored value. */
  readonly value?: string;
  /** The points where it is to be realized, or where the mark was reported. */
  readonly points?: readonly string[];
  /** The status of a mark. */
  readonly status?: string;
  /** In the invocation: the revision that a mark is for. In the outcome: the new revision. */
  readonly revision?: number;
  /** The name of the error, if there was one. */
  readonly error?: string;
}

/** One call of a worker's handler. `aborted`: its signal was aborted; `failed`: the handler threw. */
export interface AttemptEvent extends Line, Row {
  readonly kind: 'attempt';
  readonly phase: 'invoke' | 'ok' | 'failed' | 'aborted';
  readonly call: string;
  readonly point: string;
  readonly revision: number;
  readonly removal: boolean;
  /** The value in the record that the handler received; undefined if the row was deleted. */
  readonly value?: string;
}

/** A change that a subscriber received. Written when its handler returns. */
export interface ChangeEvent extends Line, Row {
  readonly kind: 'change';
  /** The durable subscription. */
  readonly name: string;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly revision: number | null;
  /** Positions are compared as text. */
  readonly position: string;
  readonly value?: string;
  /** For changes of status tables. */
  readonly point?: string;
  readonly status?: number;
}

/** A process was told that changes which it received under a name may be lost. */
export interface ResetEvent extends Line {
  readonly kind: 'reset';
  readonly name: string;
}

/** An action of the fault schedule. `end`: the fault is over and recovery begins. */
export interface FaultEvent extends Line {
  readonly kind: 'fault';
  readonly phase: 'begin' | 'end' | 'recovered' | 'skipped';
  readonly fault: string;
  readonly note?: string;
}

/**
 * The server was replaced by a copy without the last changes. What happened before this line may be lost; what is
 * acknowledged after it must not be.
 */
export interface FailoverEvent extends Line {
  readonly kind: 'failover';
}

/** The end of a process of ours. `died`: it ended by itself. */
export interface ProcessEvent extends Line {
  readonly kind: 'process';
  readonly phase: 'started' | 'killed' | 'stopped' | 'continued' | 'died';
  readonly role: string;
  readonly target: number;
  readonly note?: string;
}

/** One resource with its statuses, read in one statement. Statuses are stored weights. */
export interface ResourceState extends Row {
  /** Null: the row does not exist. */
  readonly revision: number | null;
  readonly deleted: boolean;
  readonly value: string | null;
  readonly overall: number | null;
  readonly overallRevision: number | null;
  readonly points: readonly { readonly point: string; readonly status: number; readonly revision: number }[];
}

/** All resources at one moment. The last one of a history, `final`, was read when nothing was running any more. */
export interface SnapshotEvent extends Line {
  readonly kind: 'snapshot';
  readonly final: boolean;
  readonly resources: readonly ResourceState[];
}

/** The counts that the system reports: by table, point ('' for overall) and status. */
export interface CountsEvent extends Line {
  readonly kind: 'counts';
  readonly counted: readonly {
    readonly table: string;
    readonly point: string;
    readonly status: number;
    readonly resources: number;
  }[];
}

/** What a caller received through an interface: the owners whose marks it contains. */
export interface AnswerEvent extends Line {
  readonly kind: 'answer';
  /** The caller's org. Undefined for output without a caller, such as a log line, which must not contain values of any record. */
  readonly org?: string;
  readonly door: string;
  readonly owners: readonly string[];
  /** Whether it contained a planted secret. */
  readonly secret?: boolean;
  /** The text; kept only if it violates a rule. */
  readonly text?: string;
}

/** A figure for the verdict. Exceeding its limit, if it has one, is a violation. */
export interface FigureEvent extends Line {
  readonly kind: 'figure';
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number;
}

/** A violation that a scenario detected itself. */
export interface ComplaintEvent extends Line {
  readonly kind: 'complaint';
  readonly rule: string;
  readonly text: string;
}

/** A line of a history. */
export type HistoryEvent =
  | OperationEvent
  | AttemptEvent
  | ChangeEvent
  | ResetEvent
  | FaultEvent
  | FailoverEvent
  | ProcessEvent
  | SnapshotEvent
  | CountsEvent
  | AnswerEvent
  | FigureEvent
  | ComplaintEvent;
