import { UserError } from "../common/errors";
import { type ExecResult, lastLines } from "../common/exec";

/** A call of VBoxManage that failed. */
export class VBoxError extends UserError {
  /**
   * VirtualBox's own code of the failure, such as `VBOX_E_OBJECT_NOT_FOUND`; undefined where it gave none, as for a
   * wrong argument.
   */
  readonly code: string | undefined;

  /** @param call the call as it is shown: executable and arguments */
  constructor(
    call: string,
    readonly result: ExecResult,
  ) {
    const code = codeOf(result.stderr);
    super(`${call} failed with exit code ${result.exitCode}`, { output: wordsOf(result), hint: remedy(result, code) });
    this.code = code;
  }

  /** VirtualBox knows no such machine, snapshot or medium. Nothing else means that it is missing. */
  get isNotFound(): boolean {
    return this.code === "VBOX_E_OBJECT_NOT_FOUND";
  }

  /** The medium is still attached to a machine. */
  get isInUse(): boolean {
    return this.code === "VBOX_E_OBJECT_IN_USE";
  }

  /** A file is no disk, or no whole one (tried with 7.2: empty, cut short and other files, as VDI, VMDK and VHD). */
  get isUnreadable(): boolean {
    return this.code === "VBOX_E_IPRT_ERROR";
  }

  /**
   * The machine or medium is not ready yet; or the machine is registered, and its settings cannot be read. VirtualBox
   * tells the two apart in words only, which may be in any language.
   */
  get isDenied(): boolean {
    return this.code === "E_ACCESSDENIED";
  }

  /**
   * Another session holds the machine or medium, or ended when the call was about to share it, VirtualBox is just
   * opening or closing it, or its server was just starting or ending and the call did not reach it: nothing was done,
   * and the same call may succeed a moment later.
   */
  get isTransient(): boolean {
    const { stderr } = this.result;
    // VBoxManage's own words, before it learns VirtualBox's language.
    if (/Failed to create the VirtualBox object/.test(stderr)) return true;
    if (["VBOX_E_INVALID_SESSION_STATE", "VBOX_E_INVALID_OBJECT_STATE"].includes(this.code ?? "")) return true;
    // Sessions that are opened on one stopped machine at the same moment (seen with 7.2.22).
    return (
      this.isDenied ||
      (this.code === "VBOX_E_VM_ERROR" && /^VBoxManage(\.exe)?: error: Context: "LockMachine\(/m.test(stderr))
    );
  }

  /**
   * The process that `startvm` made for the machine ended, or lost VirtualBox's server, before the machine had power:
   * seen where several start at once, and where one starts just after it was stopped. (`SessionMachine` reports it as
   * `ISession`; a machine that cannot run has other components.)
   */
  get isLostStart(): boolean {
    return isFailure(this.code) && /component SessionMachine, interface ISession\b/.test(this.result.stderr);
  }

  /**
   * Two calls that look at one stopped machine collided, or VirtualBox was just starting (seen with 7.2.22: a session
   * that is not locked any more, a crash, or a failure without a word). Only a call that changes nothing may be
   * repeated.
   */
  get isCollision(): boolean {
    const { exitCode, stdout, stderr } = this.result;
    return (
      /^(NS_ERROR|E)_UNEXPECTED$/.test(this.code ?? "") ||
      exitCode === SIGSEGV_EXIT ||
      `${stdout}${stderr}`.trim() === ""
    );
  }

  /** A file that should be made is there already, or a disk of its path is registered. */
  get isInTheWay(): boolean {
    const { stderr } = this.result;
    if (/^(NS_ERROR_INVALID_ARG|E_INVALIDARG)$/.test(this.code ?? "") && /component VirtualBox(Wrap)?\b/.test(stderr))
      return true;
    return (
      this.code === "VBOX_E_FILE_ERROR" &&
      (/VERR_ALREADY_EXISTS/.test(stderr) || (/component Machine(Wrap)?\b/.test(stderr) && !/\(VERR_/.test(stderr)))
    );
  }
}

const isFailure = (code: string | undefined) => code === "E_FAIL" || code === "NS_ERROR_FAILURE";

const SIGSEGV_EXIT = 139;

/**
 * `Details: code X (0x…), component …`, or `Code X (0x…) - …` where VirtualBox has no more to say. On Unix some names
 * start with NS_.
 */
const codeOf = (stderr: string) => /\bcode ((?:VBOX_E|NS_ERROR|E)_\w+) \(0x/i.exec(stderr)?.[1];

/**
 * Without the prefix of each line, the progress bar with the code that it ends with, and where in VBoxManage's source
 * it happened.
 */
function wordsOf({ stderr, stdout }: ExecResult): string {
  const lines = (stderr.trim() || stdout)
    .split(/\r?\n/)
    .map((line) => line.replace(/^(\d+%\.\.\.)+(\w+$)?/, "").replace(/^VBoxManage(\.exe)?: error: /, ""))
    .filter((line) => line && !line.startsWith("Context: "));
  return lastLines(lines.join("\n"), 10) || "(it said nothing)";
}

/** `Code X (0x…) - …`, where VirtualBox gives no details. */
const isWithoutWords = (stderr: string) => !/\bDetails: code /.test(stderr);

const BROKEN_INSTALLATION_EXIT = 126;

function remedy({ exitCode, stderr }: ExecResult, code: string | undefined): string | undefined {
  if (exitCode === BROKEN_INSTALLATION_EXIT)
    return "VirtualBox's installation is broken, often after an upgrade of the system: install it again";
  if (code === "VBOX_E_INVALID_OBJECT_STATE")
    return "close what holds the machine or its disk, such as its settings in VirtualBox's window";
  if (/VERR_DISK_FULL/.test(stderr))
    return "make room on that disk, or move VirtualBox's machines to another: VBoxManage setproperty machinefolder FOLDER";
  if (code === "VBOX_E_FILE_ERROR" && isWithoutWords(stderr))
    return "VirtualBox does not say which file it could not read or write: is there room on the disk of its machine folder, and may it write there?";
  return undefined;
}
