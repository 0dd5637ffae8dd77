package aura

import "net/http"

// A Code names one kind of failure. Codes are stable: they appear on the wire
// as error.code, in the query of error pages as ?error=, and in the log, and a
// code never changes its meaning between releases.
type Code string

// The codes, with the status that each is answered with.
const (
	// Sessions.
	CodeNoSession          Code = "SESSION_NOT_FOUND"         // 401: there is no valid session
	CodeSessionTooLarge    Code = "SESSION_TOO_LARGE"         // 500: the session does not fit into its cookies
	CodeUpdateNotAllowed   Code = "UPDATE_SESSION_INVALID"    // 422: a field that may not be changed, or a bad value
	CodeUnavailable        Code = "SESSION_STORE_UNAVAILABLE" // 503: it cannot be told whether there is a session
	CodeCSRFMissing        Code = "CSRF_TOKEN_MISSING"        // 403: no CSRF token came with the request
	CodeCSRFMismatch       Code = "CSRF_TOKEN_MISMATCH"       // 403: the CSRF token is not this session's
	CodeOriginRejected     Code = "CSRF_ORIGIN_REJECTED"      // 403: the request came from another origin
	CodeFetchRejected      Code = "FETCH_METADATA_REJECTED"   // 403: sign-in started by another site's subresource, frame or prefetch
	CodeHostMalformed      Code = "HOST_MALFORMED"            // 400: the Host header cannot be read
	CodeHostNotTrusted     Code = "HOST_NOT_TRUSTED"          // 421: this host is not one of ours, or must be reached by https
	CodeMalformed          Code = "MALFORMED_REQUEST"         // 400: query or body cannot be read
	CodeRedirectRepeated   Code = "REDIRECT_TO_REPEATED"      // 400: redirectTo given more than once
	CodeURITooLong         Code = "URI_TOO_LONG"              // 414
	CodeBodyTooLarge       Code = "BODY_TOO_LARGE"            // 413
	CodeUnsupportedMedia   Code = "UNSUPPORTED_MEDIA_TYPE"    // 415
	CodeUnprocessable      Code = "UNPROCESSABLE_ENTITY"      // 422
	CodeNotFound           Code = "NOT_FOUND"                 // 404: no such route
	CodeMethodNotAllowed   Code = "METHOD_NOT_ALLOWED"        // 405
	CodeUnknownProvider    Code = "PROVIDER_NOT_FOUND"        // 404: no provider has this id
	CodeServerError        Code = "SERVER_ERROR"              // 500
	CodeStateInvalid       Code = "AUTH_CALLBACK_STATE_INVALID"
	CodeCallbackIncomplete Code = "AUTH_CALLBACK_MISSING_PARAMETERS"
	CodeAccessDenied       Code = "AUTH_PROVIDER_REJECTED"
	CodeProviderError      Code = "AUTH_PROVIDER_ERROR"
	CodeProfileIncomplete  Code = "INVALID_USER_INFO"

	// Credentials, sign-up, hooks and limits.
	CodeInvalidCredentials   Code = "AUTH_CREDENTIALS_INVALID"     // 401: user name and password do not go together
	CodeAccountLocked        Code = "AUTH_ACCOUNT_LOCKED"          // in the log only; clients see AUTH_CREDENTIALS_INVALID
	CodeAuthorizeUnavailable Code = "AUTH_CREDENTIALS_UNAVAILABLE" // 503: it could not be found out
	CodeUserExists           Code = "EMAIL_ALREADY_REGISTERED"     // 409
	CodeSignInDenied         Code = "SIGN_IN_DENIED"               // 403: a hook refused the sign-in
	CodeRateLimited          Code = "RATE_LIMIT_EXCEEDED"          // 429
	CodeLimiterUnavailable   Code = "RATE_LIMIT_UNAVAILABLE"       // 503: attempts cannot be counted

	// Provider tokens.
	CodeNotConnected      Code = "COOKIE_INVALID_VALUE"                 // 401: the session holds no tokens of this provider
	CodeRefreshRejected   Code = "OAUTH_INVALID_REFRESH_TOKEN_RESPONSE" // 401: the provider no longer takes the refresh token
	CodeRevokeUnsupported Code = "OAUTH_INVALID_REVOKE_TOKEN_CONFIG"    // 500: the provider has no revocation endpoint
	CodeRevokeRejected    Code = "OAUTH_INVALID_REVOKE_TOKEN_RESPONSE"  // 400: the provider refused to revoke
	CodeRevokeUnreachable Code = "OAUTH_INVALID_REVOKE_TOKEN_PROCESS"   // 502, 503: the provider gave no answer
	CodeNoUserInfo        Code = "UNSUPPORTED_OAUTH_CONFIGURATION"      // 500: the provider has no userinfo endpoint

	// The provider's answers. Each is 502, or 503 with Retry-After when the
	// provider could not be reached at all.
	CodeDiscoveryUnreachable    Code = "OIDC_DISCOVERY_NETWORK_FAILED"
	CodeDiscoveryInvalid        Code = "OIDC_DISCOVERY_INVALID_RESPONSE"
	CodeDiscoveryIssuerMismatch Code = "OIDC_DISCOVERY_ISSUER_MISMATCH"
	CodeKeysInvalid             Code = "OIDC_JWKS_INVALID_RESPONSE"
	CodeIDTokenInvalid          Code = "OIDC_ID_TOKEN_INVALID"
	CodeNeedsStore              Code = "SESSION_STORE_MISSING"        // 500: the application asked for what takes a Config.Store
	CodeLogoutTokenInvalid      Code = "OIDC_LOGOUT_TOKEN_INVALID"    // 400: the provider's order to end sessions is not valid
	CodeEndSessionUnsupported   Code = "OIDC_END_SESSION_UNSUPPORTED" // 500: the provider has no end_session_endpoint
	CodeNonceMismatch           Code = "OIDC_NONCE_MISMATCH"
	CodeIssuerMismatch          Code = "OIDC_RESPONSE_ISSUER_MISMATCH"
	CodeTokenUnreachable        Code = "UNKNOWN_OAUTH_ACCESS_TOKEN_ERROR"
	CodeTokenRejected           Code = "INVALID_OAUTH_ACCESS_TOKEN_RESPONSE"
	CodeTokenMalformed          Code = "INVALID_OAUTH_ACCESS_TOKEN_RES_FORMAT"
	CodeContentType             Code = "OAUTH_INVALID_CONTENT_TYPE"
	CodeUserInfoUnreachable     Code = "UNKNOWN_OAUTH_USER_INFO_ERROR"
	CodeUserInfoRejected        Code = "INVALID_OAUTH_USER_INFO_RESPONSE"
	CodeUserInfoMalformed       Code = "INVALID_OAUTH_USER_INFO_RES_FORMAT"
	CodePushUnreachable         Code = "OAUTH_PUSHED_REQUEST_NETWORK_FAILED"
	CodePushRejected            Code = "OAUTH_PUSHED_REQUEST_REJECTED"
	CodePushMalformed           Code = "OAUTH_PUSHED_REQUEST_INVALID"
	CodeDeviceUnreachable       Code = "OAUTH_DEVICE_NETWORK_FAILED"
	CodeDeviceRejected          Code = "OAUTH_DEVICE_REJECTED"
	CodeDeviceMalformed         Code = "OAUTH_DEVICE_INVALID_RESPONSE"

	// Authenticated requests to the provider.
	CodeClientAuth        Code = "OAUTH_CLIENT_AUTHENTICATION_FAILED" // 500: MakeClientSecret, or signing, failed
	CodePushUnsupported   Code = "OAUTH_PUSHED_REQUEST_UNSUPPORTED"   // 500: the provider has no endpoint for pushed authorization requests
	CodeDeviceUnsupported Code = "OAUTH_DEVICE_UNSUPPORTED"           // 500: the provider has no device authorization endpoint
	CodeDevicePending     Code = "OAUTH_DEVICE_PENDING"               // 400: the person has not decided yet
	CodeDeviceSlowDown    Code = "OAUTH_DEVICE_SLOW_DOWN"             // 400: the same, and the interval grows by five seconds
	CodeDeviceExpired     Code = "OAUTH_DEVICE_EXPIRED"               // 400: the person took too long
)

// meaning is what a code says on the wire.
type meaning struct {
	status  int
	kind    string // the top-level "type" of generic failures
	message string // a fixed public sentence; causes go to the log only
}

// meanings holds every code that is answered with something else than 502.
var meanings = map[Code]meaning{
	CodeNoSession:             {http.StatusUnauthorized, "AUTH_FLOW", "You are not signed in."},
	CodeSessionTooLarge:       {http.StatusInternalServerError, "INTERNAL", "The session holds more than fits into its cookies."},
	CodeUpdateNotAllowed:      {http.StatusUnprocessableEntity, "VALIDATION", "A field of the session cannot be changed this way."},
	CodeUnavailable:           {http.StatusServiceUnavailable, "INTERNAL", "Sessions cannot be checked at the moment. Please try again shortly."},
	CodeCSRFMissing:           {http.StatusForbidden, "AUTH_FLOW", "The request carries no CSRF token."},
	CodeCSRFMismatch:          {http.StatusForbidden, "AUTH_FLOW", "The CSRF token does not belong to this session. Reload the page and try again."},
	CodeOriginRejected:        {http.StatusForbidden, "AUTH_FLOW", "The request came from another origin."},
	CodeFetchRejected:         {http.StatusForbidden, "AUTH_FLOW", "A sign-in starts with a page load of its own."},
	CodeHostMalformed:         {http.StatusBadRequest, "VALIDATION", "The Host of the request cannot be read."},
	CodeHostNotTrusted:        {http.StatusMisdirectedRequest, "VALIDATION", "This host is not served here."},
	CodeMalformed:             {http.StatusBadRequest, "VALIDATION", "The request cannot be read."},
	CodeRedirectRepeated:      {http.StatusBadRequest, "VALIDATION", "redirectTo was given more than once."},
	CodeURITooLong:            {http.StatusRequestURITooLong, "VALIDATION", "The address of the request is too long."},
	CodeBodyTooLarge:          {http.StatusRequestEntityTooLarge, "VALIDATION", "The body of the request is too large."},
	CodeUnsupportedMedia:      {http.StatusUnsupportedMediaType, "VALIDATION", "The body of the request has a content type that is not accepted here."},
	CodeUnprocessable:         {http.StatusUnprocessableEntity, "VALIDATION", "A parameter of the request has a value that is not accepted."},
	CodeNotFound:              {http.StatusNotFound, "ROUTER_FLOW", "There is nothing at this address."},
	CodeMethodNotAllowed:      {http.StatusMethodNotAllowed, "ROUTER_FLOW", "This address does not accept this method."},
	CodeUnknownProvider:       {http.StatusNotFound, "VALIDATION", "No such sign-in provider is configured."},
	CodeServerError:           {http.StatusInternalServerError, "SERVER_ERROR", "Something went wrong on our side."},
	CodeStateInvalid:          {http.StatusBadRequest, "PROTOCOL", "This sign-in was not started in this browser, has been used, or took too long. Please sign in again."},
	CodeCallbackIncomplete:    {http.StatusBadRequest, "PROTOCOL", "The answer of the sign-in provider is incomplete. Please sign in again."},
	CodeAccessDenied:          {http.StatusForbidden, "PROTOCOL", "The sign-in was cancelled or refused at the provider."},
	CodeInvalidCredentials:    {http.StatusUnauthorized, "AUTH_FLOW", "User name and password do not go together."},
	CodeAccountLocked:         {http.StatusUnauthorized, "AUTH_FLOW", "User name and password do not go together."},
	CodeAuthorizeUnavailable:  {http.StatusServiceUnavailable, "INTERNAL", "Sign-in is not possible at the moment. Please try again shortly."},
	CodeUserExists:            {http.StatusConflict, "AUTH_FLOW", "There is a user like this already."},
	CodeSignInDenied:          {http.StatusForbidden, "AUTH_FLOW", "You may not sign in here."},
	CodeRateLimited:           {http.StatusTooManyRequests, "AUTH_FLOW", "Too many attempts. Please wait a moment."},
	CodeLimiterUnavailable:    {http.StatusServiceUnavailable, "INTERNAL", "Sign-in is not possible at the moment. Please try again shortly."},
	CodeNotConnected:          {http.StatusUnauthorized, "AUTH_FLOW", "The session is not connected with this provider."},
	CodeRefreshRejected:       {http.StatusUnauthorized, "PROTOCOL", "The connection with this provider has ended. Please sign in again."},
	CodeRevokeUnsupported:     {http.StatusInternalServerError, "VALIDATION", "This provider cannot revoke tokens."},
	CodeNoUserInfo:            {http.StatusInternalServerError, "VALIDATION", "This provider cannot be asked about its user again."},
	CodeRevokeRejected:        {http.StatusBadRequest, "PROTOCOL", "The provider refused to revoke the tokens."},
	CodeNonceMismatch:         {http.StatusBadRequest, "PROTOCOL", "The provider's answer does not belong to this sign-in. Please sign in again."},
	CodeIssuerMismatch:        {http.StatusBadRequest, "PROTOCOL", "The answer came from another provider than the one asked. Please sign in again."},
	CodeNeedsStore:            {http.StatusInternalServerError, "INTERNAL", "Sessions cannot be ended from here."},
	CodeLogoutTokenInvalid:    {http.StatusBadRequest, "PROTOCOL", "The logout token is not valid."},
	CodeEndSessionUnsupported: {http.StatusInternalServerError, "VALIDATION", "This provider cannot be told to sign somebody out."},
	CodeIDTokenInvalid:        {http.StatusUnauthorized, "PROTOCOL", "The provider's proof of identity is not valid. Please sign in again."},
	CodeClientAuth:            {http.StatusInternalServerError, "INTERNAL", "We could not prove ourselves to the sign-in provider."},
	CodePushUnsupported:       {http.StatusInternalServerError, "VALIDATION", "This provider takes no pushed authorization requests."},
	CodeDeviceUnsupported:     {http.StatusInternalServerError, "VALIDATION", "This provider cannot sign in on another device."},
	CodeDevicePending:         {http.StatusBadRequest, "PROTOCOL", "The sign-in has not been allowed on the other device yet."},
	CodeDeviceSlowDown:        {http.StatusBadRequest, "PROTOCOL", "The sign-in has not been allowed yet. Please ask less often."},
	CodeDeviceExpired:         {http.StatusBadRequest, "PROTOCOL", "The sign-in was not allowed in time. Please start again."},
}

// meaning returns what c says on the wire. Codes without an entry are the
// provider's: its answers and its outages are a bad gateway to our client.
func (c Code) meaning() meaning {
	if m, ok := meanings[c]; ok {
		return m
	}
	return meaning{http.StatusBadGateway, "PROTOCOL", "The sign-in provider gave an answer that cannot be used. Please try again."}
}
