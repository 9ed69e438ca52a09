import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { type LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

/** What the engine is told, as one text: `URN severity/stream [ephemeral]: message`. */
export const told = (request: LogRequest): string =>
  `${request.getUrn()} ${request.getSeverity() === LogSeverity.WARNING ? "warning" : "info"}/${request.getStreamid()}` +
  `${request.getEphemeral() ? " ephemeral" : ""}: ${request.getMessage()}`;

/** The engine's side of a provider's log. */
export async function fakeEngine(): Promise<{ address: string; lines: string[]; end(): void }> {
  const lines: string[] = [];
  const server = new Server();
  const service: UntypedServiceImplementation = {
    log: ({ request }: { request: LogRequest }, answer: (error: null, empty: Empty) => void) => {
      lines.push(told(request));
      answer(null, new Empty());
    },
    getRootResource: () => {},
    setRootResource: () => {},
    startDebugging: () => {},
    requirePulumiVersion: () => {},
  };
  server.addService(EngineService, service);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  return { address: `127.0.0.1:${port}`, lines, end: () => server.forceShutdown() };
}
