import type { Exec, ExecResult } from "../../common/exec";
import { VBoxError } from "../../virtualbox/error";
import { VBoxManage } from "../../virtualbox/vboxManage";
import { details, failed, ok } from "../support/vboxResults";

const LIMITED = details("E_ACCESSDENIED", "The object functionality is limited");
const LOST = { by: "component SessionMachine, interface ISession" };
const LOCKED = details(
  "VBOX_E_INVALID_OBJECT_STATE",
  "The machine 'a' is already locked for a session (or being unlocked)",
);
const NOT_READY = details("E_ACCESSDENIED", "The object is not ready");
const NOT_FOUND = details("VBOX_E_OBJECT_NOT_FOUND", "Could not find a registered machine named 'a'");

/** A VBoxManage that gives these results, one a call; the last again and again. */
function scripted(...results: ExecResult[]) {
  const calls: (readonly string[])[] = [];
  const exec: Exec = (_file, args) => {
    calls.push(args);
    return Promise.resolve(results[Math.min(calls.length, results.length) - 1]!);
  };
  return { vbox: new VBoxManage("VBoxManage", exec), calls };
}

describe("failures", () => {
  test.each([
    ["a locked machine", LOCKED],
    ["a pending lock", details("VBOX_E_INVALID_OBJECT_STATE", "The machine 'a' already has a lock request pending")],
    [
      "a session lost",
      details(
        "VBOX_E_INVALID_SESSION_STATE",
        "The machine 'a' was unlocked unexpectedly while attempting to share its session",
      ),
    ],
    [
      "a session that was not given the machine",
      details("VBOX_E_VM_ERROR", "Failed to assign the machine to the session (E_ACCESSDENIED)", {
        at: "LockMachine(a->session, LockType_Write)",
      }),
    ],
    [
      "a locked machine, in Catalan",
      details("VBOX_E_INVALID_OBJECT_STATE", "La màquina «a» ja està blocada per a una sessió (o s'està desblocant)"),
    ],
    [
      "a locked disk, in Catalan",
      details("VBOX_E_INVALID_OBJECT_STATE", "El suport «a» està bloquejat per a escriptura per una altra tasca"),
    ],
    [
      "a server that is just starting",
      failed(
        "VBoxManage: error: Failed to create the VirtualBox object!\nVBoxManage: error: Code NS_ERROR_FAILURE (0x80004005) - failed",
      ),
    ],
  ])("%s is tried again", async (_what, passing) => {
    const { vbox, calls } = scripted(passing, passing, ok());
    await vbox.modify("a", ["--cpus", "2"]);
    expect(calls).toHaveLength(3);
  });

  test.each([
    ["a wrong state", details("VBOX_E_INVALID_VM_STATE", "The machine is not mutable (state is Running)")],
    ["a machine that failed", details("VBOX_E_VM_ERROR", "The virtual machine 'a' has terminated unexpectedly")],
    ["a start that was lost, of another call than startvm", details("E_FAIL", "The VM session was aborted", LOST)],
    ["a wrong argument", failed("VBoxManage: error: Invalid type 'x' specfied for NIC 5")],
    ["a file error", details("VBOX_E_FILE_ERROR", "Machine settings file '/x/locked' already exists")],
    ["a crash of a call that changes something", failed("", 139)],
    ["a failure without a word of a call that changes something", failed("")],
  ])("%s is not tried again", async (_what, final) => {
    const { vbox, calls } = scripted(final, ok());
    await expect(vbox.modify("a", ["--cpus", "2"])).rejects.toThrow(VBoxError);
    expect(calls).toHaveLength(1);
  });

  test.each([
    ["not ready", NOT_READY],
    ["not ready, in Catalan", details("E_ACCESSDENIED", "L'objecte no està preparat")],
  ])("a machine that is %s is tried again", async (_what, refusal) => {
    const { vbox, calls } = scripted(refusal, ok('"a" {2b159f10-9cff-49f3-bb38-846e4f57beb3}\n'), ok());
    await vbox.modify("2b159f10-9cff-49f3-bb38-846e4f57beb3", ["--cpus", "2"]);
    expect(calls.map(([verb]) => verb)).toEqual(["modifyvm", "list", "modifyvm"]);
  });

  test.each([
    ["", LIMITED, "<inaccessible>"],
    [", in Catalan", details("E_ACCESSDENIED", "La funcionalitat de l'objecte és limitada"), "<inaccessible>"],
    [", in Russian", details("E_ACCESSDENIED", "Функциональность объекта ограничена"), "<недоступно>"],
  ])("a machine whose settings cannot be read is not tried again%s", async (_language, refusal, name) => {
    const uuid = "2b159f10-9cff-49f3-bb38-846e4f57beb3";
    const vbox = new VBoxManage("V", async (_file, [verb]) =>
      verb === "list" ? ok(`"${name}" {${uuid}}\n`) : refusal,
    );
    await expect(vbox.showVm(uuid)).rejects.toThrow(/cannot read the settings/);
    await expect(vbox.getExtraData(uuid, "k")).rejects.toThrow(VBoxError);
  });

  test.each([
    ["a crash", failed("", 139)],
    ["a lost lock", details("NS_ERROR_UNEXPECTED", "The session is not locked (session state: Unlocked)")],
    ["a failure without a word, as while VBoxSVC starts", failed("")],
  ])("%s of a call that only looks is tried again", async (_what, collision) => {
    const { vbox, calls } = scripted(collision, NOT_FOUND);
    expect(await vbox.showVm("a")).toBeUndefined();
    expect(calls).toHaveLength(2);
  });

  test("the error has VirtualBox's words and code, without the noise", async () => {
    const error = (await scripted(details("VBOX_E_FILE_ERROR", "no space"))
      .vbox.modify("a", ["--cpus", "2"])
      .catch((error: unknown) => error)) as VBoxError;
    expect(error.code).toBe("VBOX_E_FILE_ERROR");
    expect(error.message).toMatch(
      /^VBoxManage modifyvm a --cpus failed with exit code 1\n {4}no space\n {4}Details: code/,
    );
    expect(error.message).not.toMatch(/VBoxManage: error|Context/);
  });

  test.each([
    ["Details: code E_FAIL (0x80004005), component", "E_FAIL"],
    ["VBoxManage: error: Code VBOX_E_OBJECT_NOT_FOUND (0x80BB0001) - Object corresponding", "VBOX_E_OBJECT_NOT_FOUND"],
    ["Details: code NS_ERROR_INVALID_ARG (0x80070057), component", "NS_ERROR_INVALID_ARG"],
    ["no code at all", undefined],
  ])("code of %j", (stderr, code) => expect(new VBoxError("x", failed(stderr)).code).toBe(code));

  test("a broken installation is said to be one", async () => {
    await expect(scripted(failed("symbol lookup error", 126)).vbox.machineFolder()).rejects.toThrow(
      /installation is broken/,
    );
  });
});

describe("what is missing", () => {
  test("is undefined only for VBOX_E_OBJECT_NOT_FOUND", async () => {
    expect(await scripted(NOT_FOUND).vbox.showVm("a")).toBeUndefined();
    expect(await scripted(NOT_FOUND).vbox.guestProperty("a", "/x")).toBeUndefined();
    await expect(scripted(details("E_FAIL", "no")).vbox.showVm("a")).rejects.toThrow(VBoxError);
  });

  test("a machine that unregistervm removed although it failed is removed", async () => {
    await scripted(failed("VBoxManage: error: could not delete"), NOT_FOUND).vbox.unregister("a", {
      deleteFiles: true,
    });
  });

  test("a medium that vanished on the way is closed, one that is still there is not", async () => {
    const listed = [
      ...[
        "UUID:           2b159f10-9cff-49f3-bb38-846e4f57beb3",
        "State:          created",
        "Type:           readonly",
        "Location:       /a.iso",
      ],
      ...["Storage format: RAW", "Capacity:       1 MBytes", "Encryption:     disabled", ""],
    ].join("\n");
    const refusal = details("VBOX_E_FILE_ERROR", "The given path is not fully qualified");
    await scripted(refusal, ok("")).vbox.closeMedium("dvd", "2b159f10-9cff-49f3-bb38-846e4f57beb3");
    await expect(
      scripted(refusal, ok(listed)).vbox.closeMedium("dvd", "2b159f10-9cff-49f3-bb38-846e4f57beb3"),
    ).rejects.toThrow(VBoxError);
  });
});

test.each([
  ["Value: 192.168.4.57\r\n", "192.168.4.57"],
  ["WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install\n\nValue: x y\n", "x y"],
  ["No value set!\n", undefined],
])("guest property from %j", async (stdout, value) =>
  expect(await scripted(ok(stdout)).vbox.guestProperty("a", "/x")).toBe(value),
);

test("VBoxManage speaks English, and reads names in any letters", async () => {
  let env: Record<string, string> | undefined;
  await new VBoxManage("VBoxManage", (_file, _args, options) => ((env = options?.env), Promise.resolve(ok()))).modify(
    "a",
    ["--cpus", "2"],
  );
  expect(env).toEqual({ LC_ALL: "C.UTF-8" });
});

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe("calls at a time", () => {
  test("are four", async () => {
    let [now, most] = [0, 0];
    const exec: Exec = async () => {
      most = Math.max(most, ++now);
      await tick();
      now--;
      return ok();
    };
    await Promise.all(Array.from({ length: 20 }, () => new VBoxManage("VBoxManage", exec).setExtraData("a", "k", "v")));
    expect(most).toBe(4);
  });

  test("that take long are not in the way of short ones", async () => {
    const ends: (() => void)[] = [];
    const exec: Exec = (_file, [verb]) =>
      verb === "createmedium" ? new Promise((resolve) => ends.push(() => resolve(ok()))) : Promise.resolve(ok());
    const vbox = new VBoxManage("VBoxManage", exec);
    const disks = Array.from({ length: 6 }, (_, i) => vbox.createDisk(`/${i}.vdi`, 5, "VDI", "Standard"));
    await vbox.modify("a", ["--cpus", "2"]);
    expect(ends).toHaveLength(4);
    while (ends.length > 0) {
      ends.shift()!();
      await tick();
    }
    await Promise.all(disks);
  });

  test("time in the queue is not time for which a lock has lasted", async () => {
    jest.spyOn(performance, "now").mockImplementation(() => now);
    let [now, tries] = [0, 0];
    const exec: Exec = async (_file, [verb]) => {
      now += verb === "clonevm" ? 100_000 : 0;
      await tick();
      return verb === "unregistervm" && ++tries < 3 ? LOCKED : ok();
    };
    const vbox = new VBoxManage("VBoxManage", exec);
    const clone = () => vbox.clone("base", { name: "a", uuid: "u", baseFolder: "/", linked: false });
    await Promise.all([
      ...Array.from({ length: 12 }, clone),
      vbox.unregister("a", { deleteFiles: true }),
      ...Array.from({ length: 4 }, clone),
    ]);
    expect(tries).toBe(3);
    jest.restoreAllMocks();
  });
});

describe("another language", () => {
  const catalan: Exec = async (_file, [verb, what]) =>
    ok(
      {
        getextradata: "Valor: shop/test/n\n",
        list: `Carpeta de màquines per defecte:          /vms\nIdioma de l'usuari:              ca\n`,
      }[verb!] ?? what,
    );

  test("is named, with the cure, and never counts as no value", async () => {
    const vbox = new VBoxManage("V", catalan);
    await expect(vbox.getExtraData("n", "k")).rejects.toThrow(
      /VirtualBox speaks Catalan \(ca\)[^]*Valor: shop\/test\/n[^]*→.*VBoxManage setproperty language C/,
    );
  });

  test("is found together with the version", async () => {
    const exec: Exec = async (file, args) => (args[0] === "--version" ? ok("7.2.22\n") : catalan(file, args));
    await expect(new VBoxManage("V", exec).checkVersion(() => {})).rejects.toThrow(/speaks Catalan/);
  });

  test("is guessed where nothing names it", async () => {
    await expect(scripted(ok("Valeur : x\n")).vbox.getExtraData("n", "k")).rejects.toThrow(
      /getextradata printed what this program does not understand\n {4}Valeur : x\n→.*setproperty language C/,
    );
  });
});
