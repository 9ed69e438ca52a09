import type { ExecResult } from "../../../common/exec";

/** VirtualBox's codes as VBoxManage prints them on Unix. */
const codes = {
  VBOX_E_OBJECT_NOT_FOUND: "0x80bb0001",
  VBOX_E_INVALID_VM_STATE: "0x80bb0002",
  VBOX_E_FILE_ERROR: "0x80bb0004",
  VBOX_E_INVALID_OBJECT_STATE: "0x80bb0007",
  VBOX_E_NOT_SUPPORTED: "0x80bb0009",
  VBOX_E_OBJECT_IN_USE: "0x80bb000c",
  E_ACCESSDENIED: "0x80070005",
  NS_ERROR_INVALID_ARG: "0x80070057",
  NS_ERROR_FAILURE: "0x80004005",
};
type Code = keyof typeof codes;

/** The part of VirtualBox that refuses. */
type Component =
  | "Machine"
  | "Medium"
  | "VirtualBox"
  | "StorageController"
  | "NetworkAdapter"
  | "GraphicsAdapter"
  | "Console"
  | "USBDeviceFilters";

const output = (lines: readonly string[]) => lines.map((line) => `VBoxManage: error: ${line}\n`).join("");
const details = (code: Code, component: Component) =>
  `Details: code ${code} (${codes[code]}), component ${component}Wrap, interface I${component}`;

/** A call that VBoxManage refuses: how it ends. */
export class Refusal extends Error {
  constructor(readonly result: ExecResult) {
    super(result.stderr);
  }
}

/** VirtualBox refuses. */
export const refused = (words: string, code: Code, component: Component, exitCode = 1) =>
  new Refusal({ stdout: "", stderr: output([words, `${details(code, component)}, callee nsISupports`]), exitCode });

/** Something that was begun fails, its progress already on the screen. */
export const failed = (what: string, words: readonly string[], code: Code, component: Component) =>
  new Refusal({
    stdout: "",
    stderr: `0%...${code}\n${output([what, ...words, details(code, component)])}`,
    exitCode: 1,
  });

/** VBoxManage itself refuses, before it asks VirtualBox: there is no code. */
export const misused = (words: string, exitCode = 1) => new Refusal({ stdout: "", stderr: output([words]), exitCode });

/** Another session holds the machine. */
export const locked = (machine: string) =>
  refused(
    `The machine '${machine}' is already locked for a session (or being unlocked)`,
    "VBOX_E_INVALID_OBJECT_STATE",
    "Machine",
  );
