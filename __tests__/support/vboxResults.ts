import type { ExecResult } from "../../common/exec";

/** A refusal: its words may be in any language, what stands behind `Details` and `Context` is not. */
export const details = (
  code: string,
  words: string,
  { by = "component MachineWrap, interface IMachine", at = "x" } = {},
): ExecResult => ({
  stdout: "",
  stderr: [words, `Details: code ${code} (0x80bb0007), ${by}`, `Context: "${at}" at line 1 of file Y.cpp`]
    .map((line) => `VBoxManage: error: ${line}`)
    .join("\n"),
  exitCode: 1,
});

/** A call that succeeded. */
export const ok = (stdout = ""): ExecResult => ({ stdout, stderr: "", exitCode: 0 });

/** One that failed in these words, without a code. */
export const failed = (stderr: string, exitCode = 1): ExecResult => ({ stdout: "", stderr, exitCode });
