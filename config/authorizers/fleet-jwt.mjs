/**
 * A custom authorizer as it would run in Lambda: the token is a JWT's `header.payload`, whose signature AWS IoT has
 * verified before it calls us, so only its claims are left to judge. Edit it while the emulator runs.
 */
export async function handler(event) {
  const claims = readClaims(event.token);
  const isCurrent = typeof claims?.exp === "number" && claims.exp * 1000 > Date.now();
  if (!event.signatureVerified || !isCurrent || typeof claims.sub !== "string")
    return { isAuthenticated: false };
  const arn = (resource) => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
  return {
    isAuthenticated: true,
    principalId: claims.sub.replace(/[^a-zA-Z0-9]/g, ""),
    disconnectAfterInSeconds: 86_400,
    refreshAfterInSeconds: 3600,
    policyDocuments: [
      {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Action: "iot:Connect", Resource: arn(`client/${claims.sub}`) },
          {
            Effect: "Allow",
            Action: ["iot:Publish", "iot:Receive"],
            Resource: arn(`topic/fleet/${claims.sub}/*`),
          },
          { Effect: "Allow", Action: "iot:Subscribe", Resource: arn(`topicfilter/fleet/${claims.sub}/*`) },
        ],
      },
    ],
  };
}

function readClaims(token = "") {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  } catch {
    return null;
  }
}
