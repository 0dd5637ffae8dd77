package client

import (
	"context"
	"time"
)

// Waits has the Client call wait instead of waiting.
func (c *Client) Waits(wait func(context.Context, time.Duration) error) { c.wait = wait }
