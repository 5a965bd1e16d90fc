/*
 * The format of a history: one JSON document a line, in the order in which it was written. Many processes append to one file.
 * `at` is the machine's monotonic clock in milliseconds, so that times of different processes compare, and a jump of a
 * process' calendar clock does not matter. An operation is written when it is invoked and again with its outcome; one whose
 * process was killed has no outcome, and counts as unknown.
 */

/** What every line has. */
interface Line {
  readonly at: number;
  /** The process that wrote the line. */
  readonly pid: number;
}

/** Which row of which tenant. */
export interface Row {
  readonly table: string;
  readonly org: string;
  readonly id: string;
}

/** `unknown`: the operation may or may not have been carried out. */
export type Outcome = 'ok' | 'failed' | 'unknown';

/** An operation of a client that changes something. */
export interface OperationEvent extends Line, Row {
  readonly kind: 'operation';
  readonly phase: 'invoke' | Outcome;
  /** Unique; the same in both lines. */
  readonly call: string;
  readonly name: 'persistIntent' | 'softDelete' | 'delete' | 'mark';
  /** What was stored with it. */
  readonly value?: string;
  /** Where it is to be enforced, or where the mark was reported. */
  readonly points?: readonly string[];
  /** The status of a mark. */
  readonly status?: string;
  /** In the invocation: the revision a mark names. In the outcome: the new revision. */
  readonly revision?: number;
  /** The error's name, when there was one. */
  readonly error?: string;
}

/** One run of a worker's handler. `aborted` says that its signal fired; `failed`, that the handler threw. */
export interface AttemptEvent extends Line, Row {
  readonly kind: 'attempt';
  readonly phase: 'invoke' | 'ok' | 'failed' | 'aborted';
  readonly call: string;
  readonly point: string;
  readonly revision: number;
  readonly removal: boolean;
  /** The value of the record that the handler received; undefined where the row is gone. */
  readonly value?: string;
}

/** A change that a subscriber received. Written when its handler returns. */
export interface ChangeEvent extends Line, Row {
  readonly kind: 'change';
  /** The durable subscription. */
  readonly name: string;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly revision: number | null;
  /** Positions compare as text. */
  readonly position: string;
  readonly value?: string;
  /** For status tables. */
  readonly point?: string;
  readonly status?: number;
}

/** What the schedule did. `end` is when the fault is over and recovery begins. */
export interface FaultEvent extends Line {
  readonly kind: 'fault';
  readonly phase: 'begin' | 'end' | 'recovered' | 'skipped';
  readonly fault: string;
  readonly note?: string;
}

/**
 * The server was replaced by a copy that lacks the last changes. What happened before this line may be lost; what is
 * acknowledged after it must not be.
 */
export interface FailoverEvent extends Line {
  readonly kind: 'failover';
}

/** What became of a process of ours. `died`: it ended by itself. */
export interface ProcessEvent extends Line {
  readonly kind: 'process';
  readonly phase: 'started' | 'killed' | 'stopped' | 'continued' | 'died';
  readonly role: string;
  readonly target: number;
  readonly note?: string;
}

/** One resource with its statuses, read in one statement. Statuses are the stored weights. */
export interface ResourceState extends Row {
  /** Null: there is no such row. */
  readonly revision: number | null;
  readonly deleted: boolean;
  readonly value: string | null;
  readonly overall: number | null;
  readonly overallRevision: number | null;
  readonly points: readonly { readonly point: string; readonly status: number; readonly revision: number }[];
}

/** All resources at one moment. The last one of a history, `final`, was read when nothing was under way any more. */
export interface SnapshotEvent extends Line {
  readonly kind: 'snapshot';
  readonly final: boolean;
  readonly resources: readonly ResourceState[];
}

/** What the system says how many there are: by table, point ('' for overall) and status. */
export interface CountsEvent extends Line {
  readonly kind: 'counts';
  readonly counted: readonly {
    readonly table: string;
    readonly point: string;
    readonly status: number;
    readonly resources: number;
  }[];
}

/** What a caller received through some door: the owners whose marks it contains. */
export interface AnswerEvent extends Line {
  readonly kind: 'answer';
  /** The caller's org. Undefined: nobody's, such as a log line, which must carry no record's value. */
  readonly org?: string;
  readonly door: string;
  readonly owners: readonly string[];
  /** True when a planted secret stood in it. */
  readonly secret?: boolean;
  /** Kept when something is wrong. */
  readonly text?: string;
}

/** A figure for the verdict. With a limit it is a violation to exceed it. */
export interface FigureEvent extends Line {
  readonly kind: 'figure';
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number;
}

/** A violation that a scenario saw by itself. */
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
  | FaultEvent
  | FailoverEvent
  | ProcessEvent
  | SnapshotEvent
  | CountsEvent
  | AnswerEvent
  | FigureEvent
  | ComplaintEvent;
