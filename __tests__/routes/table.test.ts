import type { Exec, ExecResult } from "../../common/exec";
import { UserError } from "../../common/errors";
import type { Route } from "../../routes/route";
import { routeTable } from "../../routes/table";

const ROUTE: Route = { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" };
const ADAPTER = "VirtualBox Host-Only Ethernet Adapter";

/** A runner that answers by the first pattern found in the command line, and keeps every command line. */
function recorded(answers: [RegExp, Partial<ExecResult> | Error][]) {
  const commands: string[] = [];
  const run: Exec = (file, args) => {
    const line = [file, ...args].join(" ");
    commands.push(line);
    const answer = answers.find(([pattern]) => pattern.test(line))?.[1] ?? {};
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve({ stdout: "", stderr: "", exitCode: 0, ...answer });
  };
  return { commands, run };
}

describe("macOS", () => {
  test("route gets the network, the gateway and the interface", async () => {
    const { commands, run } = recorded([]);
    const table = routeTable("darwin", run);
    await table.add(ROUTE);
    await table.change(ROUTE, { ...ROUTE, gateway: "192.168.4.29" });
    await table.remove(ROUTE);
    expect(commands).toEqual([
      "route -n add -net 192.168.4.0/27 192.168.4.30 -ifp vboxnet0",
      "route -n change -net 192.168.4.0/27 192.168.4.29 -ifp vboxnet0",
      "route -n delete -net 192.168.4.0/27 192.168.4.30",
    ]);
  });

  test("interfaces come from ifconfig", async () => {
    const { run } = recorded([[/^ifconfig -l/, { stdout: "lo0 gif0 en0 vboxnet0\n" }]]);
    expect(await routeTable("darwin", run).interfaces()).toEqual(["lo0", "gif0", "en0", "vboxnet0"]);
  });

  test("only the routes to exactly that network are listed", async () => {
    const stdout = `Internet:
Destination        Gateway            Flags               Netif Expire
192.168.4          192.168.4.1        UGSc             vboxnet0
192.168.4/27       192.168.4.30       UGSc             vboxnet0
`;
    const { run } = recorded([[/^netstat/, { stdout }]]);
    expect(await routeTable("darwin", run).list(ROUTE.destination)).toEqual([ROUTE]);
  });

  test("where we are not root, sudo does it without asking", async () => {
    const { commands, run } = recorded([
      [/^route/, { exitCode: 77, stderr: "route: must be root to alter routing table" }],
    ]);
    await routeTable("darwin", run).add(ROUTE);
    expect(commands[1]).toBe("sudo -n route -n add -net 192.168.4.0/27 192.168.4.30 -ifp vboxnet0");
  });
});

describe("Linux, where sudo may not do it", () => {
  const denied = { exitCode: 2, stderr: "RTNETLINK answers: Operation not permitted" };

  test.each([
    ["it wants a password", { exitCode: 1, stderr: "sudo: a password is required" }],
    ["it is not installed", new UserError("sudo is not installed, or not on PATH")],
  ])("%s: the error prints the command to type", async (_why, sudo) => {
    const { run } = recorded([
      [/^ip route/, denied],
      [/^sudo/, sudo],
    ]);
    await expect(routeTable("linux", run).add(ROUTE)).rejects.toThrow(
      "sudo ip route add 192.168.4.0/27 via 192.168.4.30 dev vboxnet0 proto 157",
    );
  });

  test("a failure of ip itself, through sudo, is not taken for a missing right", async () => {
    const { run } = recorded([
      [/^ip route/, denied],
      [/^sudo/, { exitCode: 2, stderr: "RTNETLINK answers: File exists" }],
    ]);
    await expect(routeTable("linux", run).add(ROUTE)).rejects.toThrow(
      /^ip route add .* failed\n {4}RTNETLINK answers: File exists$/,
    );
  });
});

describe("Windows", () => {
  const windows: Route = { ...ROUTE, interface: ADAPTER };
  const listing = {
    stdout: JSON.stringify({ routes: [], adapters: [{ InterfaceDescription: ADAPTER, ifIndex: 12 }] }),
  };

  test("New-NetRoute gets the adapter's index", async () => {
    const { commands, run } = recorded([[/Get-NetRoute/, listing]]);
    await routeTable("win32", run).add(windows);
    expect(commands[1]).toContain(
      "New-NetRoute -DestinationPrefix 192.168.4.0/27 -NextHop 192.168.4.30 -InterfaceIndex 12 ",
    );
  });

  test("a change takes the old route away and sets the new one in one go", async () => {
    const { commands, run } = recorded([[/Get-NetRoute/, listing]]);
    await routeTable("win32", run).change({ ...windows, gateway: "192.168.4.29" }, windows);
    expect(commands.at(-1)).toMatch(
      /Remove-NetRoute .* -NextHop 192\.168\.4\.29 .*; New-NetRoute .* -NextHop 192\.168\.4\.30 /,
    );
  });

  test("without the right, the error prints the route command", async () => {
    const { run } = recorded([
      [/Get-NetRoute/, listing],
      [/Remove-NetRoute/, { exitCode: 1, stderr: "Windows System Error 5,Remove-NetRoute: Zugriff verweigert" }],
    ]);
    const byHand = "route DELETE 192.168.4.0 MASK 255.255.255.224 192.168.4.30 IF 12";
    await expect(routeTable("win32", run).remove(windows)).rejects.toThrow(byHand);
  });

  test("an adapter that is not there is named", async () => {
    const { run } = recorded([[/Get-NetRoute/, listing]]);
    const missing = routeTable("win32", run).add({ ...windows, interface: "vboxnet0" });
    await expect(missing).rejects.toThrow('there is no network adapter "vboxnet0"');
  });
});

test("another system is a user's error", () => expect(() => routeTable("freebsd")).toThrow(UserError));
