"""Base and tuned model side by side: metrics, scorecard, verdict, report."""
